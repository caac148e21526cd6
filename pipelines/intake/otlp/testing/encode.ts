/** Writes messages as a sender would, in both encodings. */
import { opentelemetry } from '../../../../schemas/generated/otlp.js'
import { otlpWriter } from '../../../../schemas/otlp/wire.ts'
import type { OtlpEncoding } from '../decode.ts'
import type { OtlpSignal } from '../index.ts'
import type { AnyValue, KeyValue, LogsRequest, MetricsRequest, TraceRequest } from '../messages.ts'

export interface Requests {
  readonly traces: TraceRequest
  readonly metrics: MetricsRequest
  readonly logs: LogsRequest
}

const { collector } = opentelemetry.proto

export const encodeOtlp = <Signal extends OtlpSignal>(
  signal: Signal,
  request: Requests[Signal],
  encoding: OtlpEncoding,
): Buffer => {
  if (encoding === 'json') return Buffer.from(JSON.stringify(request, jsonForm))
  const writer = otlpWriter()
  if (signal === 'traces') {
    collector.trace.v1.ExportTraceServiceRequest.encode(request, writer)
  } else if (signal === 'metrics') {
    collector.metrics.v1.ExportMetricsServiceRequest.encode(request, writer)
  } else {
    collector.logs.v1.ExportLogsServiceRequest.encode(request, writer)
  }
  return Buffer.from(writer.finish())
}

const jsonForm = (key: string, value: unknown): unknown => {
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (!isBytes(value)) return value
  return Buffer.from(value.data).toString(key.endsWith('Id') ? 'hex' : 'base64')
}

/** What Buffer.toJSON makes of bytes before they come here. */
const isBytes = (value: unknown): value is { readonly data: number[] } =>
  typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer'

export const attributes = (values: Readonly<Record<string, AnyValue | string>>): KeyValue[] =>
  Object.entries(values).map(([key, value]) => ({
    key,
    value: typeof value === 'string' ? { stringValue: value } : value,
  }))

export const nanos = (ms: number): bigint => BigInt(ms) * 1_000_000n
