/**
 * Prometheus metrics of a process: one registry, names checked when a metric is declared.
 *
 * Names read `<room>_<noun>_<unit>`, counters end in `_total`: `worker_records_total`,
 * `sink_insert_duration_seconds`. Label values must come from a bounded set (a pipeline, a topic,
 * an error category), never from data (a series, a key, a message).
 */
import { strict as assert } from 'node:assert'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

const NAME = /^[a-z][a-z0-9]*(_[a-z0-9]+)+$/

export interface MetricOptions<Label extends string> {
  readonly name: string
  readonly help: string
  readonly labels?: readonly Label[]
}

export interface GaugeOptions<Label extends string> extends MetricOptions<Label> {
  /** Called at each scrape, for values that are cheaper to read than to keep; sets all of them. */
  readonly collect?: (gauge: Gauge<Label>) => void | Promise<void>
}

export interface HistogramOptions<Label extends string> extends MetricOptions<Label> {
  /** Upper bounds, in the metric's unit. */
  readonly buckets: readonly number[]
}

/** Seconds, from a fast request to a stuck one. */
export const LATENCY_BUCKETS_SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
] as const

const checkName = (name: string, isCounter: boolean): void => {
  assert(NAME.test(name), `metric name "${name}" must read <room>_<noun>_<unit> in snake_case`)
  assert(
    name.endsWith('_total') === isCounter,
    `metric name "${name}": counters, and only counters, end in _total`,
  )
}

export interface Metrics {
  readonly registry: Registry
  counter<Label extends string>(options: MetricOptions<Label>): Counter<Label>
  gauge<Label extends string>(options: GaugeOptions<Label>): Gauge<Label>
  histogram<Label extends string>(options: HistogramOptions<Label>): Histogram<Label>
}

export interface CreateMetricsOptions {
  /** The process's name; the label `service` of every metric. */
  readonly service: string
  /** CPU, memory, event loop and file descriptors of the process itself. */
  readonly processMetrics?: boolean
}

export const createMetrics = (options: CreateMetricsOptions): Metrics => {
  const registry = new Registry()
  registry.setDefaultLabels({ service: options.service })
  if (options.processMetrics ?? true) collectDefaultMetrics({ register: registry })
  return {
    registry,
    counter({ name, help, labels = [] }) {
      checkName(name, true)
      return new Counter({ name, help, labelNames: [...labels], registers: [registry] })
    },
    gauge({ name, help, labels = [], collect }) {
      checkName(name, false)
      const gauge = { name, help, labelNames: [...labels], registers: [registry] }
      if (!collect) return new Gauge(gauge)
      return new Gauge({
        ...gauge,
        async collect() {
          // What is gone (a partition that moved away) must not stay at its last value.
          this.reset()
          await collect(this)
        },
      })
    },
    histogram({ name, help, labels = [], buckets }) {
      checkName(name, false)
      const histogram = { name, help, labelNames: [...labels], buckets: [...buckets] }
      return new Histogram({ ...histogram, registers: [registry] })
    },
  }
}
