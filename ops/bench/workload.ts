/**
 * The workload of the stream benchmarks: per series an exponentially weighted mean and variance,
 * one-minute windows, and an anomaly at |z| > 4. Written with the author API and nothing else.
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
import { parseSeriesKey } from '../../schemas/series-key.ts'
import { defineTopic, type Topic } from '../../schemas/topic.ts'
import { signalsRollups, telemetryMetrics } from '../../schemas/topics.ts'

const ALPHA = 0.05
const LIMIT_Z = 4
const WARM_UP_POINTS = 20

export interface Deviation {
  readonly timestamp: number
  readonly tenant: string
  readonly key: string
  readonly value: number
  readonly z: number
}

const deviations = defineTopic<Deviation>({
  ...(telemetryMetrics as unknown as Topic<Deviation>),
  name: 'bench.deviations',
  schema: {
    type: 'record',
    name: 'Deviation',
    namespace: 'millrace.bench',
    fields: [
      { name: 'timestamp', type: { type: 'long', logicalType: 'timestamp-millis' } },
      { name: 'tenant', type: 'string' },
      { name: 'key', type: 'string' },
      { name: 'value', type: 'double' },
      { name: 'z', type: 'double' },
    ],
  },
  keyOf: ({ key }) => key,
  owner: 'pipelines/bench',
  flow: 'out',
})

export interface Workload {
  readonly pipeline: Pipeline
  readonly input: Topic<MetricPoint>
}

/** `fields` declares what is read (the fast path); without it every record becomes an object. */
export const createWorkload = (options: {
  readonly name: string
  readonly decode: 'fields' | 'objects'
}): Workload => {
  const input = { ...telemetryMetrics, name: `${options.name}.points` }
  const points =
    options.decode === 'fields'
      ? copartitioned(input, ['timestamp', 'value'])
      : copartitioned(input)
  const pipeline = definePipeline({
    name: options.name,
    version: 1,
    inputs: { points },
    state: { model: row({ n: 0, mean: 0, variance: 0 }) },
    outputs: {
      windows: { ...signalsRollups, name: `${options.name}.windows` },
      deviations: { ...deviations, name: `${options.name}.deviations` },
    },
    windows: {
      minute: {
        input: 'points',
        window: tumbling({ sizeMs: minutes(1), graceMs: 0 }),
        row: { count: 0, sum: 0, min: Infinity, max: -Infinity },
        add({ value }, { row }) {
          row.count += 1
          row.sum += value
          if (value < row.min) row.min = value
          if (value > row.max) row.max = value
        },
        close({ row }, { startMs, endMs }, _, context) {
          const { tenant, name, labels } = parseSeriesKey(context.key)
          const { count, sum, min, max } = row
          context.emit('windows', {
            ...{ windowStart: startMs, windowEnd: endMs, tenant, series: '', name, labels },
            ...{ count, sum, min, max, mean: sum / count, sketch: NO_SKETCH },
          })
        },
      },
    },
    on: {
      points({ timestamp, value }, { model }, context) {
        const deviation = value - model.mean
        const z = model.variance > 0 ? deviation / Math.sqrt(model.variance) : 0
        if (model.n >= WARM_UP_POINTS && Math.abs(z) > LIMIT_Z) {
          const { tenant, key } = context
          context.emit('deviations', { timestamp, tenant, key, value, z })
        }
        const step = ALPHA * deviation
        model.n += 1
        model.mean += step
        model.variance = (1 - ALPHA) * (model.variance + deviation * step)
      },
    },
    keyIdleTtlMs: days(7),
    keyLimit: { perTask: 2_000_000, perGroup: 2_000_000, groupOf: () => '' },
  })
  return { pipeline, input }
}

const NO_SKETCH = Buffer.alloc(0)

/** Points in the order of event time: one per series and step of 5 s, 0.1 % spikes; deterministic. */
export function* workloadPoints(options: {
  readonly records: number
  readonly series: number
  readonly startMs: number
}): Generator<MetricPoint> {
  let random = 12_345
  for (let record = 0; record < options.records; record++) {
    const series = record % options.series
    random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fffffff
    const noise = random / 0x7fffffff
    const value = random % 1_000 === 0 ? 500 : 100 + (series % 50) + noise * 10
    yield {
      timestamp: options.startMs + Math.floor(record / options.series) * 5_000,
      value,
      tenant: 'bench',
      name: 'http_request_duration',
      labels: { host: `host-${series}`, region: 'eu-central-1' },
      unit: null,
    }
  }
}
