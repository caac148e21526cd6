/** Key and partition of the series that are replayed. */
import { seriesKey } from '../../schemas/series-key.ts'
import type { MetricPoint } from '../../schemas/generated/telemetry-metrics.ts'
import { murmur2, toPartition } from '../../pipelines/runtime/record/index.ts'

export interface SeriesRoute {
  readonly key: Buffer
  readonly partition: number
}

/** A file has few series and many points: their keys and hashes are made once. */
const REMEMBERED_ROUTES = 10_000

export class SeriesRoutes {
  readonly #partitions: number
  readonly #known = new Map<string, SeriesRoute>()

  constructor(partitions: number) {
    this.#partitions = partitions
  }

  /** Throws SchemaError for a series that cannot have a key. */
  of(point: Pick<MetricPoint, 'tenant' | 'name' | 'labels'>): SeriesRoute {
    const text = seriesKey(point)
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const key = Buffer.from(text, 'utf8')
    const route = { key, partition: toPartition(murmur2(key), this.#partitions) }
    if (this.#known.size >= REMEMBERED_ROUTES) this.#known.clear()
    this.#known.set(text, route)
    return route
  }
}
