/** Topics, their settings and groups: what set-up and the command line need. */
import type { KafkaCluster } from './cluster.ts'
import { KafkaError, brokerError, brokerErrorCode, throwOnBrokerError } from './kafka-error.ts'
import {
  alterConfigsApi,
  createTopicsApi,
  deleteGroupsApi,
  deleteTopicsApi,
  describeConfigsApi,
} from './protocol/admin.ts'
import type { DescribedConfig, NewTopic, TopicConfigChange } from './protocol/admin.ts'
import type { TopicMetadata } from './protocol/metadata.ts'
import { retrying, sleep } from './retry.ts'

const REQUEST_TIMEOUT_MS = 30_000
const POLL_MS = 25

export class KafkaAdmin {
  readonly #cluster: KafkaCluster

  constructor(cluster: KafkaCluster) {
    this.#cluster = cluster
  }

  /** All topics, internal ones of Kafka left out unless asked for. */
  async listTopics(
    options: { readonly internal?: boolean } = {},
  ): Promise<readonly TopicMetadata[]> {
    const topics = await this.#cluster.metadata(null)
    return topics.filter(({ internal }) => options.internal === true || !internal)
  }

  /**
   * Creates those that do not exist and waits until every partition's leader serves it. Returns the
   * names it created; an existing topic is left as it is.
   */
  async createTopics(topics: readonly NewTopic[]): Promise<string[]> {
    if (topics.length === 0) return []
    const results = await this.#onController((nodeId) =>
      this.#cluster.send(nodeId, createTopicsApi, {
        topics,
        timeoutMs: REQUEST_TIMEOUT_MS,
        validateOnly: false,
      }),
    )
    const created: string[] = []
    for (const { topic, errorCode, errorMessage } of results) {
      if (brokerErrorCode(errorCode) === 'TOPIC_ALREADY_EXISTS') continue
      throwOnBrokerError(errorCode, `Creation of topic ${topic}`, errorMessage)
      created.push(topic)
    }
    await this.#untilServed(topics.map(({ topic }) => topic))
    return created
  }

  /**
   * Metadata names a leader a moment before that broker takes requests for the partition, so each
   * leader is asked as well: the first transaction must not fail on a topic that is being made.
   */
  async #untilServed(topics: readonly string[]): Promise<void> {
    await this.#pollMetadata(topics, hasLeaders, 'have leaders')
    const partitions = topics.flatMap((topic) => {
      const known = this.#cluster.cachedTopic(topic)?.partitions ?? []
      return known.map(({ partition }) => ({ topic, partition }))
    })
    await this.#cluster.listOffsets(partitions, 'latest')
  }

  /** Deletes those that exist and waits until they are gone. Returns the names it deleted. */
  async deleteTopics(topics: readonly string[]): Promise<string[]> {
    const known = await this.#cluster.metadata(topics)
    const existing = known.filter(({ errorCode }) => errorCode === 0).map(({ topic }) => topic)
    if (existing.length === 0) return []
    const results = await this.#onController((nodeId) =>
      this.#cluster.send(nodeId, deleteTopicsApi, {
        topics: existing,
        timeoutMs: REQUEST_TIMEOUT_MS,
      }),
    )
    for (const { topic, errorCode } of results) {
      if (brokerErrorCode(errorCode) === 'UNKNOWN_TOPIC_OR_PARTITION') continue
      throwOnBrokerError(errorCode, `Deletion of topic ${topic}`)
    }
    await this.#pollMetadata(existing, ({ errorCode }) => errorCode === 3, 'be gone')
    return existing
  }

  /** Settings of topics: name -> settings, with inherited ones. */
  async describeConfigs(
    topics: readonly string[],
  ): Promise<ReadonlyMap<string, readonly DescribedConfig[]>> {
    const described = await this.#onController((nodeId) =>
      this.#cluster.send(nodeId, describeConfigsApi, topics),
    )
    for (const { topic, errorCode, errorMessage } of described) {
      throwOnBrokerError(errorCode, `Settings of topic ${topic}`, errorMessage)
    }
    return new Map(described.map(({ topic, configs }) => [topic, configs]))
  }

  /** Sets or (with null) removes the named settings, leaves the others. */
  async alterConfigs(changes: readonly TopicConfigChange[]): Promise<void> {
    if (changes.length === 0) return
    const results = await this.#onController((nodeId) =>
      this.#cluster.send(nodeId, alterConfigsApi, changes),
    )
    for (const { topic, errorCode, errorMessage } of results) {
      throwOnBrokerError(errorCode, `Change of the settings of topic ${topic}`, errorMessage)
    }
  }

  /** Forgets committed offsets of groups without members; unknown groups are fine. */
  async deleteGroups(groupIds: readonly string[]): Promise<void> {
    for (const groupId of groupIds) {
      await this.#cluster.withCoordinator('group', groupId, async (nodeId) => {
        const [result] = await this.#cluster.send(nodeId, deleteGroupsApi, [groupId])
        const code = brokerErrorCode(result?.errorCode ?? 0)
        if (result === undefined || result.errorCode === 0 || code === 'GROUP_ID_NOT_FOUND') return
        throw brokerError(result.errorCode, `Deletion of group ${groupId}`)
      })
    }
  }

  async #onController<Result>(ask: (nodeId: number) => Promise<Result>): Promise<Result> {
    return retrying({ timeoutMs: REQUEST_TIMEOUT_MS }, async () =>
      ask(await this.#cluster.controller()),
    )
  }

  /** Brokers learn of a topic a little after the controller (no waitForLeaders: it may throw). */
  async #pollMetadata(
    topics: readonly string[],
    isDone: (metadata: TopicMetadata) => boolean,
    wish: string,
  ): Promise<void> {
    const giveUpAt = performance.now() + REQUEST_TIMEOUT_MS
    for (;;) {
      const known = await this.#cluster.metadata(topics)
      const open = known.filter((metadata) => !isDone(metadata)).map(({ topic }) => topic)
      if (open.length === 0) return
      if (performance.now() > giveUpAt) {
        throw new KafkaError(
          'REQUEST_TIMED_OUT',
          `Topics ${open.join(', ')} should ${wish} but do not after ${String(REQUEST_TIMEOUT_MS)} ms; look at the controller's log`,
          { retryable: true },
        )
      }
      await sleep(POLL_MS)
    }
  }
}

const hasLeaders = ({ errorCode, partitions }: TopicMetadata): boolean =>
  errorCode === 0 && partitions.length > 0 && partitions.every(({ leader }) => leader >= 0)
