/** What each signal is to the door: its message, and the records that come of it. */
import type { Arrival } from '../../../../pipelines/intake/arrival.ts'
import {
  decodeLogs,
  decodeMetrics,
  decodeTraces,
  type OtlpEncoding,
} from '../../../../pipelines/intake/otlp/decode.ts'
import type { OtlpSignal } from '../../../../pipelines/intake/otlp/index.ts'
import { haveTimes, mapLogs } from '../../../../pipelines/intake/otlp/logs.ts'
import type {
  LogsRequest,
  MetricsRequest,
  TraceRequest,
} from '../../../../pipelines/intake/otlp/messages.ts'
import { writePoints } from '../../../../pipelines/intake/otlp/metrics.ts'
import type { Rejection } from '../../../../pipelines/intake/otlp/rejections.ts'
import { mapSpans } from '../../../../pipelines/intake/otlp/spans.ts'
import { PointList } from '../../../../pipelines/intake/points/point-list.ts'
import { KafkaError } from '../../../../pipelines/runtime/kafka/index.ts'
import type { TopicRecords } from '../../../telemetry/topic-records.ts'
import { appendPoints } from '../../append-points.ts'
import type { DoorPorts, IntakeBatch, Sender } from '../../ports.ts'
import { KnownSeries } from './series.ts'

export type OtlpPorts = Pick<
  DoorPorts,
  'readBodies' | 'intake' | 'ledger' | 'count' | 'admitSeries' | 'nowMs'
> & { readonly records: Pick<DoorPorts['records'], 'metrics' | 'logs' | 'spans'> }

export interface Signal<Message> {
  readonly name: OtlpSignal
  /** @throws BadInput */
  readonly decode: (body: Buffer, encoding: OtlpEncoding) => Message
  /** Whether the same body again can only be a retry. */
  readonly isRetryable: (message: Message) => boolean
  readonly append: (message: Message, arrival: Arrival, sender: Sender) => Appended
}

export interface Appended {
  readonly batch: IntakeBatch
  readonly records: number
  readonly rejected: readonly Rejection[]
}

/** Some 60,000 series, all tenants together. */
const SERIES_BYTES = 64 * 1024 * 1024
/** What a span or log entry takes as a record, roughly: names of fields are not sent twice, attributes are. */
const RECORD_BYTES = 1_024

export const metricsSignal = ({
  records,
  intake,
  admitSeries,
}: OtlpPorts): Signal<MetricsRequest> => {
  const { encoder, partitions } = records.metrics.format
  const format = { encoder, partitions }
  const series = new KnownSeries({ format, limitBytes: SERIES_BYTES, admitSeries })
  // Used again for each request: it is read within the same turn.
  const points = new PointList()
  return {
    name: 'metrics',
    decode: decodeMetrics,
    isRetryable: () => true,
    append: (message, arrival, sender) => {
      points.clear()
      const rejected = writePoints(message, arrival, series.sink(arrival, points))
      const batch = appendPoints(points, sender, { intake, records })
      return { batch, records: points.count, rejected }
    },
  }
}

export const tracesSignal = ({ records, intake }: OtlpPorts): Signal<TraceRequest> => ({
  name: 'traces',
  decode: decodeTraces,
  isRetryable: () => true,
  append: (message, arrival, sender) =>
    appendAll(mapSpans(message, arrival), records.spans, (sizeBytes) =>
      intake.open(sender, sizeBytes),
    ),
})

export const logsSignal = ({ records, intake }: OtlpPorts): Signal<LogsRequest> => ({
  name: 'logs',
  decode: decodeLogs,
  isRetryable: haveTimes,
  append: (message, arrival, sender) =>
    appendAll(mapLogs(message, arrival), records.logs, (sizeBytes) =>
      intake.open(sender, sizeBytes),
    ),
})

const appendAll = <Value>(
  mapped: { readonly records: readonly Value[]; readonly rejected: Rejection[] },
  topic: TopicRecords<Value>,
  open: (sizeBytes: number) => IntakeBatch,
): Appended => {
  const batch = open(mapped.records.length * RECORD_BYTES)
  const { rejected } = mapped
  let records = 0
  for (const value of mapped.records) {
    try {
      batch.append(topic.borrow(value))
      records += 1
    } catch (error) {
      if (!(error instanceof KafkaError && error.code === 'RECORD_TOO_LARGE')) throw error
      rejected.push({ reason: 'a record of more than the topic takes', detail: error.message })
    }
  }
  return { batch, records, rejected }
}
