/**
 * The workload of the stream benchmarks: per series an exponentially weighted mean and variance,
 * one-minute windows, and a deviation at |z| > 4. Written with the author API and nothing else.
 *
 * Outputs, formulae and constants are those of the Kafka Streams program it is compared with, so
 * that both do the same work and must give the same counts.
 */
import {
  copartitioned,
  days,
  definePipeline,
  minutes,
  row,
  tumbling,
  type Pipeline,
} from '../../pipelines/runtime/index.ts'
import type { MetricPoint } from '../../schemas/generated/telemetry-metrics.ts'
import { defineTopic, KEY_SEPARATOR, type Retention, type Topic } from '../../schemas/topic.ts'
import { telemetryMetrics } from '../../schemas/topics.ts'
import { randomFrom } from '../chaos/random.ts'

export const ALPHA = 0.05
export const LIMIT_Z = 4
export const WARM_UP_POINTS = 20
/** Added to a variance, so that a series that stands still has no infinite deviations. */
export const LEAST_VARIANCE = 1e-9
export const WINDOW_MS = minutes(1)
export const STEP_MS = 5_000
const SPIKE = 500
export const START_MS = Date.UTC(2026, 0, 1)

/** One minute of a series. */
export interface SeriesWindow {
  readonly series: string
  readonly start: number
  readonly end: number
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
}

/** A point far away from what its series usually is. */
export interface Deviation {
  readonly series: string
  readonly timestamp: number
  readonly value: number
  readonly z: number
}

/** A benchmark removes its topics itself. */
const UNTIL_REMOVED: Retention = { cleanup: 'delete', ms: -1, bytes: -1 }

const double = (name: string): object => ({ name, type: 'double' })
const long = (name: string): object => ({ name, type: 'long' })
const series = { name: 'series', type: 'string' }

const common = {
  keyOf: ({ series }: { readonly series: string }) => series,
  keyText: telemetryMetrics.keyText,
  tenantOf: ({ series }: { readonly series: string }) =>
    series.slice(0, series.indexOf(KEY_SEPARATOR)),
  partitions: 'spread',
  retention: UNTIL_REMOVED,
  compatibility: 'BACKWARD_TRANSITIVE',
  owner: 'ops/bench',
  flow: 'out',
} as const

const record = (name: string, fields: readonly object[]) => ({
  type: 'record',
  name,
  namespace: 'millrace.bench',
  fields,
})

const windowsTopic = (name: string): Topic<SeriesWindow> =>
  defineTopic<SeriesWindow>({
    ...common,
    name,
    summary: 'One minute of one series.',
    schema: record('SeriesWindow', [
      ...[series, long('start'), long('end'), long('count')],
      ...['sum', 'min', 'max'].map(double),
    ]),
    eventTime: { field: 'start', unit: 'ms' },
    finiteFields: ['sum', 'min', 'max'],
  })

const deviationsTopic = (name: string): Topic<Deviation> =>
  defineTopic<Deviation>({
    ...common,
    name,
    summary: 'Points far away from what their series usually is.',
    schema: record('Deviation', [series, long('timestamp'), double('value'), double('z')]),
    eventTime: { field: 'timestamp', unit: 'ms' },
    finiteFields: ['value', 'z'],
  })

export interface Workload {
  readonly pipeline: Pipeline
  readonly input: Topic<MetricPoint>
  readonly windows: Topic<SeriesWindow>
  readonly deviations: Topic<Deviation>
}

/** `fields` declares what is read (the fast path); without it every record becomes an object. */
export type Decode = 'fields' | 'objects'

export const createWorkload = (options: {
  readonly name: string
  readonly decode: Decode
}): Workload => {
  const { name, decode } = options
  const input = { ...telemetryMetrics, name: `${name}.points`, retention: UNTIL_REMOVED }
  const windows = windowsTopic(`${name}.windows`)
  const deviations = deviationsTopic(`${name}.deviations`)
  const points =
    decode === 'fields' ? copartitioned(input, ['timestamp', 'value']) : copartitioned(input)
  const pipeline = definePipeline({
    name,
    version: 1,
    inputs: { points },
    state: { model: row({ n: 0, mean: 0, variance: 0 }) },
    outputs: { windows, deviations },
    windows: {
      minute: {
        input: 'points',
        window: tumbling({ sizeMs: WINDOW_MS, graceMs: 0 }),
        row: { count: 0, sum: 0, min: Infinity, max: -Infinity },
        add({ value }, { row }) {
          row.count += 1
          row.sum += value
          if (value < row.min) row.min = value
          if (value > row.max) row.max = value
        },
        close({ row: { count, sum, min, max } }, { startMs, endMs }, _, context) {
          const bounds = { series: context.key, start: startMs, end: endMs }
          context.emit('windows', { ...bounds, count, sum, min, max })
        },
      },
    },
    on: {
      points({ timestamp, value }, { model }, context) {
        const deviation = value - model.mean
        const isWarm = model.n >= WARM_UP_POINTS
        const z = isWarm ? deviation / Math.sqrt(model.variance + LEAST_VARIANCE) : 0
        const isUsual = Math.abs(z) <= LIMIT_Z
        if (!isUsual) context.emit('deviations', { series: context.key, timestamp, value, z })
        if (model.n === 0) {
          model.mean = value
        } else if (isUsual) {
          const step = ALPHA * deviation
          model.mean += step
          model.variance = (1 - ALPHA) * (model.variance + deviation * step)
        }
        model.n += 1
      },
    },
    keyIdleTtlMs: days(7),
    keyLimit: { perTask: 2_000_000, perGroup: 2_000_000, groupOf: () => '' },
  })
  return { pipeline, input, windows, deviations }
}

export interface PointsOptions {
  readonly records: number
  readonly series: number
}

/** Points in the order of event time: one per series and step, 0.1 % spikes; deterministic. */
export function* workloadPoints({ records, series }: PointsOptions): Generator<MetricPoint> {
  const values = valuesOf({ records, series })
  for (let record = 0; record < records; record++) {
    yield {
      timestamp: timestampOf(record, series),
      value: values[record]!,
      tenant: 'bench',
      name: 'http_request_duration',
      labels: { host: `host-${record % series}`, region: 'eu-central-1' },
      unit: null,
      kind: 'unspecified',
    }
  }
}

export const timestampOf = (record: number, series: number): number =>
  START_MS + Math.floor(record / series) * STEP_MS

/** Of all records: they depend on nothing but their number. */
export const valuesOf = ({ records, series }: PointsOptions): Float64Array => {
  const values = new Float64Array(records)
  const random = randomFrom(12_345)
  for (let record = 0; record < records; record++) {
    const drawn = random(2 ** 32)
    const usual = 100 + ((record % series) % 50) + (drawn / 2 ** 32) * 10
    values[record] = drawn % 1_000 === 0 ? SPIKE : usual
  }
  return values
}
