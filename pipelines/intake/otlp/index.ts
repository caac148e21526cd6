/** From the bytes of one OTLP message to our records. */
import type { LogEntry } from '../../../schemas/generated/telemetry-logs.ts'
import type { MetricPoint } from '../../../schemas/generated/telemetry-metrics.ts'
import type { Span } from '../../../schemas/generated/telemetry-spans.ts'
import type { Arrival } from '../arrival.ts'
import { decodeLogs, decodeMetrics, decodeTraces, type OtlpEncoding } from './decode.ts'
import { mapLogs } from './logs.ts'
import { mapMetrics } from './point-records.ts'
import type { Rejection } from './rejections.ts'
import { mapSpans } from './spans.ts'

export type OtlpSignal = 'traces' | 'metrics' | 'logs'

export interface OtlpMessage extends Arrival {
  readonly bytes: Buffer
  readonly encoding: OtlpEncoding
}

interface Mapped<Signal extends OtlpSignal, Value> {
  readonly signal: Signal
  readonly records: readonly Value[]
  readonly rejected: readonly Rejection[]
}
export type OtlpRecords =
  Mapped<'traces', Span> | Mapped<'metrics', MetricPoint> | Mapped<'logs', LogEntry>

/** @throws BadInput for bytes that are no such message */
export const readOtlp = (signal: OtlpSignal, message: OtlpMessage): OtlpRecords => {
  const { bytes, encoding } = message
  switch (signal) {
    case 'traces':
      return { signal, ...mapSpans(decodeTraces(bytes, encoding), message) }
    case 'metrics':
      return { signal, ...mapMetrics(decodeMetrics(bytes, encoding), message) }
    case 'logs':
      return { signal, ...mapLogs(decodeLogs(bytes, encoding), message) }
  }
}
