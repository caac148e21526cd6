/** Bytes of a request, or of a record of the Collector, to the message that they are. */
import { opentelemetry } from '../../../schemas/generated/otlp.js'
import { otlpReader } from '../../../schemas/otlp/wire.ts'
import { BadInput } from '../bad-input.ts'
import { parseJson, type JsonLimits } from '../json.ts'
import { logsRequest, metricsRequest, traceRequest } from './json-messages.ts'
import { readShape } from './json-shape.ts'
import type { LogsRequest, MetricsRequest, TraceRequest } from './messages.ts'

export type OtlpEncoding = 'protobuf' | 'json'

/**
 * A body of 20 MiB could be of ten million empty messages, which take a hundred times as much. A metric
 * point has some 20 values, a span some 100.
 */
const LIMITS: JsonLimits = { depth: 100, values: 1_500_000 }

const { ExportTraceServiceRequest } = opentelemetry.proto.collector.trace.v1
const { ExportMetricsServiceRequest } = opentelemetry.proto.collector.metrics.v1
const { ExportLogsServiceRequest } = opentelemetry.proto.collector.logs.v1

/** @throws BadInput */
export const decodeTraces = (bytes: Buffer, encoding: OtlpEncoding): TraceRequest =>
  encoding === 'json'
    ? readShape(traceRequest, parseJson(bytes, LIMITS))
    : decoded(() => ExportTraceServiceRequest.decode(otlpReader(bytes, LIMITS.values)))

/** @throws BadInput */
export const decodeMetrics = (bytes: Buffer, encoding: OtlpEncoding): MetricsRequest =>
  encoding === 'json'
    ? readShape(metricsRequest, parseJson(bytes, LIMITS))
    : decoded(() => ExportMetricsServiceRequest.decode(otlpReader(bytes, LIMITS.values)))

/** @throws BadInput */
export const decodeLogs = (bytes: Buffer, encoding: OtlpEncoding): LogsRequest =>
  encoding === 'json'
    ? readShape(logsRequest, parseJson(bytes, LIMITS))
    : decoded(() => ExportLogsServiceRequest.decode(otlpReader(bytes, LIMITS.values)))

const decoded = <T>(decode: () => T): T => {
  try {
    return decode()
  } catch (error) {
    // protobuf.js has no class of its own for bytes that are no message.
    const reason = error instanceof Error ? error.message : String(error)
    throw new BadInput('body', null, `an OTLP message in protobuf (${reason})`)
  }
}
