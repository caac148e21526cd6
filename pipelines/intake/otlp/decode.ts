/** Bytes of a request, or of a record of the Collector, to the message that they are. */
import { opentelemetry } from '../../../schemas/generated/otlp.js'
import { otlpReader } from '../../../schemas/otlp/wire.ts'
import { BadInput } from '../bad-input.ts'
import { logsRequest, metricsRequest, traceRequest } from './json-messages.ts'
import { readShape } from './json-shape.ts'
import type { LogsRequest, MetricsRequest, TraceRequest } from './messages.ts'

export type OtlpEncoding = 'protobuf' | 'json'

const { ExportTraceServiceRequest } = opentelemetry.proto.collector.trace.v1
const { ExportMetricsServiceRequest } = opentelemetry.proto.collector.metrics.v1
const { ExportLogsServiceRequest } = opentelemetry.proto.collector.logs.v1

/** @throws BadInput */
export const decodeTraces = (bytes: Buffer, encoding: OtlpEncoding): TraceRequest =>
  encoding === 'json'
    ? readShape(traceRequest, parseJson(bytes))
    : decoded(() => ExportTraceServiceRequest.decode(otlpReader(bytes)))

/** @throws BadInput */
export const decodeMetrics = (bytes: Buffer, encoding: OtlpEncoding): MetricsRequest =>
  encoding === 'json'
    ? readShape(metricsRequest, parseJson(bytes))
    : decoded(() => ExportMetricsServiceRequest.decode(otlpReader(bytes)))

/** @throws BadInput */
export const decodeLogs = (bytes: Buffer, encoding: OtlpEncoding): LogsRequest =>
  encoding === 'json'
    ? readShape(logsRequest, parseJson(bytes))
    : decoded(() => ExportLogsServiceRequest.decode(otlpReader(bytes)))

const decoded = <T>(decode: () => T): T => {
  try {
    return decode()
  } catch (error) {
    // protobuf.js has no class of its own for bytes that are no message.
    const reason = error instanceof Error ? error.message : String(error)
    throw new BadInput('body', null, `an OTLP message in protobuf (${reason})`)
  }
}

/** Numbers of so many digits, which a double may not hold; in a text they do no harm. */
const LONG_INTEGER = /[:[,]\s*-?\d{16,}/

const parseJson = (bytes: Buffer): unknown => {
  const text = utf8Text(bytes)
  try {
    return LONG_INTEGER.test(text) ? JSON.parse(text, exactIntegers) : JSON.parse(text)
  } catch (error) {
    // A RangeError: nested deeper than the stack is.
    if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error
    throw new BadInput('body', null, `JSON (${error.message})`)
  }
}

const utf8Text = (bytes: Buffer): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new BadInput('body', null, 'JSON in UTF-8')
  }
}

const exactIntegers = (_key: string, value: unknown, context?: { readonly source?: string }) => {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  const source = context?.source
  return source !== undefined && /^-?\d{1,20}$/.test(source) ? BigInt(source) : value
}
