/** A partition's records, asked for one answer at a time: nothing is fetched far ahead of its use. */
import type { RecordSet } from '../../pipelines/runtime/record/index.ts'
import {
  readToEnd,
  type KafkaCluster,
  type TopicPartition,
} from '../../pipelines/runtime/kafka/index.ts'

/** Small answers: a task has many inputs, and each may hold three of them. */
const FETCH_BYTES = 1024 * 1024

export class RecordFeed {
  readonly #stopping = new AbortController()
  #offered = Promise.withResolvers<RecordSet | undefined>()
  #taken = Promise.withResolvers<undefined>()

  /** Reads from the first record that is kept up to where the log ends now, or to `until`. */
  constructor(
    source: TopicPartition & { readonly cluster: KafkaCluster; readonly until?: number },
  ) {
    const { until = 'high-watermark', ...rest } = source
    const reading = readToEnd({
      ...rest,
      until,
      maxBytes: FETCH_BYTES,
      signal: this.#stopping.signal,
      channel: `backtest/${source.topic}/${source.partition}`,
      onRecords: async (records) => {
        this.#offered.resolve(records)
        await this.#taken.promise
      },
    })
    // Whoever asks next is told; nobody may.
    this.#offered.promise.catch(() => undefined)
    reading.then(
      () => {
        this.#offered.resolve(undefined)
      },
      (error: unknown) => {
        this.#offered.promise.catch(() => undefined)
        this.#offered.reject(error)
      },
    )
  }

  /** The next records; undefined behind the last ones. */
  async next(): Promise<RecordSet | undefined> {
    const records = await this.#offered.promise
    if (records === undefined) return undefined
    this.#offered = Promise.withResolvers()
    const taken = this.#taken
    this.#taken = Promise.withResolvers()
    taken.resolve(undefined)
    return records
  }

  close(): void {
    this.#stopping.abort()
    this.#taken.resolve(undefined)
  }
}
