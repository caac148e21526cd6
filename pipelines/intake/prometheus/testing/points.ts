/** What a decoder made of a request, as the points that a reader of the topic sees. */
import {
  metricPointSchema,
  type MetricPoint,
} from '../../../../schemas/generated/telemetry-metrics.ts'
import { telemetryMetrics } from '../../../../schemas/topics.ts'
import {
  createRecordDecoder,
  RecordEncoder,
  WIRE_HEADER_BYTES,
} from '../../../runtime/avro/index.ts'
import type { RequestPoints } from '../request-points.ts'
import type { PointFormat } from '../../points/prepared-series.ts'

export const format: PointFormat = {
  encoder: new RecordEncoder<MetricPoint>({ schema: metricPointSchema, schemaId: 7 }),
  partitions: 4,
}

const decoder = createRecordDecoder<MetricPoint>({ writerSchema: metricPointSchema })

export interface SeenPoint extends MetricPoint {
  readonly key: string
  readonly partition: number
}

export const pointsOf = ({ series, timestampsMs, values }: RequestPoints): SeenPoint[] =>
  series.map((each, index) => {
    const value = each.valueOf(timestampsMs[index]!, values[index]!)
    const point = decoder.decode(value, WIRE_HEADER_BYTES, value.length)
    return { ...point, key: each.key.toString(), partition: each.partition }
  })

export const keyOf = (point: MetricPoint): string => telemetryMetrics.keyOf(point)
