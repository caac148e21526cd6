/**
 * Follows `control.keys` into memory: what was created or revoked anywhere holds here within a
 * second. While Kafka is away, what is known goes on to hold; it is asked again until it answers.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  readToEnd,
  type KafkaCluster,
  type SchemaRegistryClient,
} from '../../../pipelines/runtime/kafka/index.ts'
import type { KeyEntry } from '../../../schemas/generated/control-keys.ts'
import { controlKeys } from '../../../schemas/topics.ts'
import { messageOf } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { TopicDecoder } from '../topic-decoder.ts'
import { KeyRing } from './key-ring.ts'

/** One question for the end of one partition: cheap, and simpler than a fetch that stays open. */
const ASK_EVERY_MS = 500
const ASK_TIMEOUT_MS = 5_000
const place = { topic: controlKeys.name, partition: 0 }

export interface KeyFollowerOptions {
  readonly cluster: KafkaCluster
  readonly registry: SchemaRegistryClient
  readonly logger: Logger
  readonly askEveryMs?: number
}

export class KeyFollower {
  readonly keys = new KeyRing()
  readonly #options: KeyFollowerOptions
  readonly #decoder: TopicDecoder<KeyEntry>
  readonly #stopping = new AbortController()
  readonly #done: Promise<void>
  #next = 0
  #loaded = false
  #isTroubled = false

  constructor(options: KeyFollowerOptions) {
    this.#options = options
    this.#decoder = new TopicDecoder(controlKeys, options.registry)
    this.#done = this.#follow()
  }

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
    while (!signal.aborted) {
      try {
        await this.#catchUp()
        if (this.#isTroubled) logger.info('Reading API keys again')
        this.#isTroubled = false
        this.#loaded = true
      } catch (error) {
        if (signal.aborted) return
        if (!this.#isTroubled) {
          logger.warn({ error: messageOf(error) }, 'Cannot read API keys, trying again')
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
    const end = await cluster.listOffset(place, 'latest-committed', limit)
    if (end < this.#next) {
      // The topic was made anew: what it does not hold is no key any more.
      this.keys.clear()
      this.#next = 0
    }
    if (end <= this.#next) return
    const values: (Buffer | null)[] = []
    await readToEnd({
      cluster,
      ...place,
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

  async #add(value: Buffer | null): Promise<void> {
    const decoded = await this.#decoder.decode(value)
    const { logger } = this.#options
    if (decoded.kind === 'unreadable') {
      logger.error({ why: decoded.why }, `A record of ${controlKeys.name} cannot be read`)
    } else if (!this.keys.add(decoded.value)) {
      logger.error({ key: decoded.value.id }, `A key of ${controlKeys.name} cannot be taken`)
    }
  }
}
