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
  /** A record that cannot be read or taken: only its key says what it was about. */
  readonly onLost?: (key: Buffer | null) => void
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
  /** Of the topic that was read; one that was made anew has another. */
  #topicId = ''
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
    const { cluster } = this.#options
    const { signal } = this.#stopping
    const limit = { retryTimeoutMs: ASK_TIMEOUT_MS, signal }
    const [found] = await cluster.metadata([this.#place.topic], limit)
    const end = await cluster.listOffset(this.#place, 'latest-committed', limit)
    if (found === undefined || found.topicId !== this.#topicId || end < this.#next) {
      this.#beginAnew(found?.topicId ?? '')
    }
    if (end <= this.#next) return
    const lines: Line[] = []
    await readToEnd({
      cluster,
      ...this.#place,
      ...(this.#next === 0 ? {} : { fromOffset: this.#next }),
      until: end,
      signal,
      onRecords: (records) => {
        while (records.next()) lines.push({ key: records.key(), value: records.value() })
      },
    })
    for (const line of lines) await this.#add(line)
    this.#next = end
  }

  #beginAnew(topicId: string): void {
    if (this.#topicId !== '') {
      this.#options.onNew()
      this.#loaded = false
    }
    this.#topicId = topicId
    this.#next = 0
  }

  async #add({ key, value }: Line): Promise<void> {
    const decoded = await this.#decoder.decode(value)
    const { logger, topic, onValue, onLost } = this.#options
    if (decoded.kind === 'value' && onValue(decoded.value)) return
    const why = decoded.kind === 'value' ? 'its content cannot be meant' : decoded.why
    logger.error({ key: String(key), why }, `A record of ${topic.name} cannot be taken`)
    onLost?.(key)
  }
}

interface Line {
  readonly key: Buffer | null
  readonly value: Buffer | null
}
