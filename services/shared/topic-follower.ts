/**
 * Follows a topic of one partition into memory: what is written anywhere is known here within a
 * second. While Kafka is away, what is known goes on to hold; it is asked again until it answers.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  readToEnd,
  type KafkaCluster,
  type SchemaRegistryClient,
} from '../../pipelines/runtime/kafka/index.ts'
import type { Topic } from '../../schemas/topic.ts'
import { messageOf } from './errors.ts'
import type { Logger } from './logger.ts'
import { TopicDecoder } from './topic-decoder.ts'

/** One question for the end of one partition: cheap, and simpler than a fetch that stays open. */
const ASK_EVERY_MS = 500
const ASK_TIMEOUT_MS = 5_000

export interface TopicFollowerOptions<Value> {
  readonly cluster: KafkaCluster
  readonly registry: SchemaRegistryClient
  readonly logger: Logger
  readonly topic: Topic<Value>
  /** False: a value that cannot be taken. */
  readonly onValue: (value: Value) => boolean
  /** The topic was made anew: nothing of what it held before holds any more. */
  readonly onNew: () => void
  readonly askEveryMs?: number
}

export class TopicFollower<Value> {
  readonly #options: TopicFollowerOptions<Value>
  readonly #place: { readonly topic: string; readonly partition: 0 }
  readonly #decoder: TopicDecoder<Value>
  readonly #stopping = new AbortController()
  readonly #done: Promise<void>
  #next = 0
  #loaded = false
  #isTroubled = false

  constructor(options: TopicFollowerOptions<Value>) {
    this.#options = options
    this.#place = { topic: options.topic.name, partition: 0 }
    this.#decoder = new TopicDecoder(options.topic, options.registry)
    this.#done = this.#follow()
  }

  /** All that was there at the start has been read. */
  get loaded(): boolean {
    return this.#loaded
  }

  async close(): Promise<void> {
    this.#stopping.abort()
    await this.#done
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stopping
    const { logger, askEveryMs = ASK_EVERY_MS } = this.#options
    const { topic } = this.#place
    while (!signal.aborted) {
      try {
        await this.#catchUp()
        if (this.#isTroubled) logger.info(`Reading ${topic} again`)
        this.#isTroubled = false
        this.#loaded = true
      } catch (error) {
        if (signal.aborted) return
        if (!this.#isTroubled) {
          logger.warn({ error: messageOf(error) }, `Cannot read ${topic}, trying again`)
        }
        this.#isTroubled = true
      }
      await sleep(askEveryMs, undefined, { signal }).catch(() => undefined)
    }
  }

  async #catchUp(): Promise<void> {
    const { cluster, onNew } = this.#options
    const { signal } = this.#stopping
    const limit = { retryTimeoutMs: ASK_TIMEOUT_MS, signal }
    const end = await cluster.listOffset(this.#place, 'latest-committed', limit)
    if (end < this.#next) {
      onNew()
      this.#next = 0
    }
    if (end <= this.#next) return
    const values: (Buffer | null)[] = []
    await readToEnd({
      cluster,
      ...this.#place,
      ...(this.#next === 0 ? {} : { fromOffset: this.#next }),
      until: end,
      signal,
      onRecords: (records) => {
        while (records.next()) values.push(records.value())
      },
    })
    for (const value of values) await this.#add(value)
    this.#next = end
  }

  async #add(bytes: Buffer | null): Promise<void> {
    const decoded = await this.#decoder.decode(bytes)
    const { logger, topic, onValue } = this.#options
    if (decoded.kind === 'unreadable') {
      logger.error({ why: decoded.why }, `A record of ${topic.name} cannot be read`)
    } else if (!onValue(decoded.value)) {
      logger.error({ key: topic.keyOf(decoded.value) }, `A record of ${topic.name} cannot be taken`)
    }
  }
}
