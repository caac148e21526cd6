/**
 * One client's view of a Kafka cluster: connections, metadata, coordinators, offsets.
 *
 * C1: connections are keyed by broker and *channel*. The broker answers the requests of one
 *     connection strictly in order, so whatever waits inside the broker (a long-polling fetch, a
 *     JoinGroup) gets a channel of its own.
 * C2: leaders and coordinators are cached and forgotten on the first error that says they moved.
 */
import type tls from 'node:tls'
import { BrokerConnection } from './adapter.ts'
import type { SaslOptions } from './adapter.ts'
import { AnswerMemory } from './answer-memory.ts'
import { KafkaError, isRoutingError, throwOnBrokerError } from './kafka-error.ts'
import { silentLogger } from './logger.ts'
import type { KafkaLogger } from './logger.ts'
import type { Api, TopicPartition, TopicPartitionOffset } from './protocol/api.ts'
import { findCoordinatorApi, metadataApi } from './protocol/metadata.ts'
import type {
  BrokerAddress,
  CoordinatorKind,
  MetadataResponse,
  TopicMetadata,
} from './protocol/metadata.ts'
import {
  EARLIEST_TIMESTAMP,
  LATEST_TIMESTAMP,
  listOffsetsApi,
  offsetCommitApi,
  offsetFetchApi,
} from './protocol/offsets.ts'
import type { GroupSession, ListOffsetsRequest } from './protocol/offsets.ts'
import { retrying } from './retry.ts'

export interface KafkaClusterOptions {
  /** `host:port` of some brokers; the rest is found from them. */
  readonly brokers: readonly string[]
  readonly clientId: string
  /** TLS options, or true for the system's certificate authorities. */
  readonly ssl?: tls.ConnectionOptions | boolean
  readonly sasl?: SaslOptions
  readonly logger?: KafkaLogger
  readonly connectTimeoutMs?: number
  readonly requestTimeoutMs?: number
}

export interface SendOptions {
  /** See C1; default `control`. */
  readonly channel?: string
  readonly timeoutMs?: number
}

export interface RetryLimit {
  /** How long retryable errors are retried (default 30 s). */
  readonly retryTimeoutMs?: number
  readonly signal?: AbortSignal | undefined
}

/**
 * `latest` is the high watermark, `latest-committed` the last stable offset (what a read_committed
 * reader can reach now), a timestamp the first record at or after it.
 */
export type OffsetSpec =
  'earliest' | 'latest' | 'latest-committed' | { readonly timestampMs: number }

const DEFAULT_RETRY_MS = 30_000
const UNSTABLE_RETRY_MS = 10

export class KafkaCluster {
  readonly clientId: string
  readonly logger: KafkaLogger
  /** Memory of answers, shared by all connections. */
  readonly answerMemory = new AnswerMemory()
  readonly #options: KafkaClusterOptions
  readonly #seeds: readonly BrokerAddress[]
  readonly #connections = new Map<string, Promise<BrokerConnection>>()
  readonly #topics = new Map<string, TopicMetadata>()
  readonly #coordinators = new Map<string, number>()
  #brokers = new Map<number, BrokerAddress>()
  #clusterId: string | null = null
  #controllerId = -1
  #closed = false

  constructor(options: KafkaClusterOptions) {
    this.#options = options
    this.clientId = options.clientId
    this.logger = options.logger ?? silentLogger
    this.#seeds = options.brokers.map(parseSeed)
    if (this.#seeds.length === 0) {
      throw new KafkaError('NO_BROKERS', 'The list of Kafka brokers is empty; set KAFKA_BROKERS')
    }
  }

  /** Makes sure that a broker answers. Throws BROKER_UNREACHABLE when none does in time. */
  async connect(limit: RetryLimit = {}): Promise<void> {
    await this.metadata([], limit)
  }

  /** Closes every connection; requests in flight fail with CONNECTION_LOST. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    const connections = [...this.#connections.values()]
    this.#connections.clear()
    for (const connection of await Promise.allSettled(connections)) {
      if (connection.status === 'fulfilled') connection.value.close()
    }
  }

  /** Closes the connections of one channel (C1); requests in flight fail with CONNECTION_LOST. */
  closeChannel(channel: string): void {
    for (const [key, connecting] of this.#connections) {
      if (!key.endsWith(`|${channel}`)) continue
      this.#connections.delete(key)
      connecting.then(
        (connection) => {
          connection.close()
        },
        () => undefined,
      )
    }
  }

  /** UUID-like id of the cluster, known after `connect`. */
  get clusterId(): string | null {
    return this.#clusterId
  }

  /** Node ids of the brokers known from the last metadata. */
  get brokerIds(): readonly number[] {
    return [...this.#brokers.keys()]
  }

  /** The controller, or any broker that passes its requests on. */
  async controller(): Promise<number> {
    if (this.#controllerId < 0) await this.metadata([])
    return this.#controllerId
  }

  // --- requests -------------------------------------------------------------------------------

  /** One request to one broker, no retries. */
  async send<Request, Response>(
    nodeId: number,
    api: Api<Request, Response>,
    request: Request,
    options: SendOptions = {},
  ): Promise<Response> {
    const connection = await this.#connection(nodeId, options.channel ?? 'control')
    return connection.send(api, request, options.timeoutMs)
  }

  #connection(nodeId: number, channel: string): Promise<BrokerConnection> {
    if (this.#closed) {
      return Promise.reject(
        new KafkaError('CLUSTER_CLOSED', 'This Kafka client was closed; make a new one'),
      )
    }
    const key = `${String(nodeId)}|${channel}`
    const known = this.#connections.get(key)
    if (known === undefined) return this.#open(key, nodeId)
    return known.then((connection) => {
      if (connection.isOpen()) return connection
      // Several callers may find it closed; only the first one replaces it.
      if (this.#connections.get(key) === known) this.#connections.delete(key)
      return this.#connection(nodeId, channel)
    })
  }

  #open(key: string, nodeId: number): Promise<BrokerConnection> {
    const opening = this.#dial(nodeId)
    this.#connections.set(key, opening)
    opening.catch(() => {
      if (this.#connections.get(key) === opening) this.#connections.delete(key)
    })
    return opening
  }

  async #dial(nodeId: number): Promise<BrokerConnection> {
    const address = this.#brokers.get(nodeId) ?? this.#seeds.find((seed) => seed.nodeId === nodeId)
    if (address === undefined) {
      throw new KafkaError(
        'BROKER_UNKNOWN',
        `Kafka broker ${String(nodeId)} is not in the metadata`,
        {
          retryable: true,
        },
      )
    }
    const { ssl, sasl, connectTimeoutMs = 5000, requestTimeoutMs = 30_000 } = this.#options
    const connection = await BrokerConnection.open({
      host: address.host,
      port: address.port,
      clientId: this.clientId,
      ssl: ssl === true ? {} : ssl === false ? undefined : ssl,
      sasl,
      connectTimeoutMs,
      requestTimeoutMs,
      logger: this.logger,
      memory: this.answerMemory,
    })
    if (this.#closed) connection.close()
    return connection
  }

  // --- metadata -------------------------------------------------------------------------------

  /**
   * Asks for fresh metadata of `topics` (null: all; empty: brokers only). A topic that does not
   * exist comes back with its error code and no partitions.
   */
  async metadata(
    topics: readonly string[] | null,
    limit: RetryLimit = {},
  ): Promise<readonly TopicMetadata[]> {
    const answer = await retrying(this.#retry(limit), () => this.#askAnyBroker(topics))
    this.#learn(answer)
    return answer.topics
  }

  /** Metadata of one topic, cached. Throws UNKNOWN_TOPIC_OR_PARTITION if it does not exist. */
  async topic(topic: string): Promise<TopicMetadata> {
    const cached = this.#topics.get(topic)
    if (cached !== undefined) return cached
    const [found] = await this.metadata([topic])
    throwOnBrokerError(found?.errorCode ?? 3, `Metadata of topic ${topic}`)
    return this.#topics.get(topic) ?? found!
  }

  async partitionCount(topic: string): Promise<number> {
    return (await this.topic(topic)).partitions.length
  }

  /** Metadata of one topic if it is cached. */
  cachedTopic(topic: string): TopicMetadata | undefined {
    return this.#topics.get(topic)
  }

  /** Node id of the leader from the cache; undefined if unknown or being elected. */
  cachedLeader(topic: string, partition: number): number | undefined {
    const leader = this.#topics.get(topic)?.partitions[partition]?.leader
    return leader === undefined || leader < 0 ? undefined : leader
  }

  /** Makes the next look-up ask the cluster (C2). */
  forgetTopic(topic: string): void {
    this.#topics.delete(topic)
  }

  #learn(answer: MetadataResponse): void {
    this.#brokers = new Map(answer.brokers.map((broker) => [broker.nodeId, broker]))
    this.#clusterId = answer.clusterId
    this.#controllerId = answer.controllerId
    for (const topic of answer.topics) {
      if (topic.errorCode === 0) this.#topics.set(topic.topic, topic)
      else this.#topics.delete(topic.topic)
    }
  }

  async #askAnyBroker(topics: readonly string[] | null): Promise<MetadataResponse> {
    let lastError: unknown
    for (const nodeId of [...this.#brokers.keys(), ...this.#seeds.map((seed) => seed.nodeId)]) {
      try {
        return await this.send(nodeId, metadataApi, { topics })
      } catch (error) {
        lastError = error
      }
    }
    throw lastError
  }

  // --- leaders and coordinators ---------------------------------------------------------------

  /** Runs `ask` once per leader of `partitions`; looks leaders up again when they moved. */
  async withLeaders<Partition extends TopicPartition, Result>(
    partitions: readonly Partition[],
    ask: (nodeId: number, partitions: readonly Partition[]) => Promise<readonly Result[]>,
    limit: RetryLimit = {},
  ): Promise<Result[]> {
    return retrying(this.#retry(limit), async () => {
      const byLeader = await this.#groupByLeader(partitions)
      try {
        const answers = await Promise.all([...byLeader].map(([nodeId, own]) => ask(nodeId, own)))
        return answers.flat()
      } catch (error) {
        if (isRoutingError(error)) for (const { topic } of partitions) this.forgetTopic(topic)
        throw error
      }
    })
  }

  async #groupByLeader<Partition extends TopicPartition>(
    partitions: readonly Partition[],
  ): Promise<Map<number, Partition[]>> {
    const unknown = partitions.filter((p) => this.cachedLeader(p.topic, p.partition) === undefined)
    if (unknown.length > 0) await this.metadata([...new Set(unknown.map(({ topic }) => topic))])
    const byLeader = new Map<number, Partition[]>()
    for (const partition of partitions) {
      const leader = this.cachedLeader(partition.topic, partition.partition)
      if (leader === undefined) throw await this.#noLeader(partition)
      const own = byLeader.get(leader)
      if (own === undefined) byLeader.set(leader, [partition])
      else own.push(partition)
    }
    return byLeader
  }

  async #noLeader({ topic, partition }: TopicPartition): Promise<KafkaError> {
    const { partitions } = await this.topic(topic) // throws if the topic does not exist
    const exists = partition < partitions.length
    return new KafkaError(
      exists ? 'LEADER_NOT_AVAILABLE' : 'UNKNOWN_TOPIC_OR_PARTITION',
      exists
        ? `Partition ${topic}/${String(partition)} has no leader at the moment`
        : `Topic ${topic} has ${String(partitions.length)} partitions, there is no partition ${String(partition)}`,
      { retryable: true },
    )
  }

  /**
   * Node id of the coordinator of a group or transactional id, cached. A look-up changes nothing in
   * the cluster, so it is retried (the first one of a new cluster always has to be).
   */
  async coordinator(kind: CoordinatorKind, key: string, limit: RetryLimit = {}): Promise<number> {
    const cacheKey = `${kind}/${key}`
    const cached = this.#coordinators.get(cacheKey)
    if (cached !== undefined) return cached
    const found = await retrying(this.#retry(limit), () => this.#findCoordinator(kind, key))
    this.#brokers.set(found.nodeId, found)
    this.#coordinators.set(cacheKey, found.nodeId)
    return found.nodeId
  }

  forgetCoordinator(kind: CoordinatorKind, key: string): void {
    this.#coordinators.delete(`${kind}/${key}`)
  }

  async #findCoordinator(kind: CoordinatorKind, key: string): Promise<BrokerAddress> {
    if (this.#brokers.size === 0) await this.metadata([])
    let lastError: unknown
    for (const nodeId of this.#brokers.keys()) {
      try {
        const found = await this.send(nodeId, findCoordinatorApi, { kind, key })
        throwOnBrokerError(found.errorCode, `Coordinator of ${kind} ${key}`, found.errorMessage)
        return found
      } catch (error) {
        lastError = error
      }
    }
    throw lastError
  }

  /** Runs `ask` against the coordinator; retries retryable errors, looking it up again (C2). */
  async withCoordinator<Result>(
    kind: CoordinatorKind,
    key: string,
    ask: (nodeId: number) => Promise<Result>,
    limit: RetryLimit = {},
  ): Promise<Result> {
    return retrying(this.#retry(limit), async () => {
      const nodeId = await this.coordinator(kind, key, { ...limit, retryTimeoutMs: 0 })
      try {
        return await ask(nodeId)
      } catch (error) {
        if (isRoutingError(error)) this.forgetCoordinator(kind, key)
        throw error
      }
    })
  }

  // --- offsets --------------------------------------------------------------------------------

  /** Offset -1 where a timestamp lies behind the last record. */
  async listOffsets(
    partitions: readonly TopicPartition[],
    spec: OffsetSpec,
    limit: RetryLimit = {},
  ): Promise<TopicPartitionOffset[]> {
    const request = listOffsetsRequest(spec)
    return this.withLeaders(
      partitions,
      async (nodeId, own) => {
        const listed = await this.send(nodeId, listOffsetsApi, { ...request, partitions: own })
        for (const { topic, partition, errorCode } of listed) {
          throwOnBrokerError(errorCode, `ListOffsets of ${topic}/${String(partition)}`)
        }
        return listed.map(({ topic, partition, offset }) => ({ topic, partition, offset }))
      },
      limit,
    )
  }

  /** Offset of one partition; see `listOffsets`. */
  async listOffset(
    partition: TopicPartition,
    spec: OffsetSpec,
    limit: RetryLimit = {},
  ): Promise<number> {
    const [listed] = await this.listOffsets([partition], spec, limit)
    return listed?.offset ?? -1
  }

  /**
   * Committed offsets of a group; -1 where nothing was committed. With `requireStable` it waits
   * until no transaction over these offsets is open (default true).
   */
  async committedOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
    options: RetryLimit & { readonly requireStable?: boolean } = {},
  ): Promise<TopicPartitionOffset[]> {
    const { requireStable = true } = options
    return this.withCoordinator(
      'group',
      groupId,
      async (nodeId) => {
        const answer = await this.send(nodeId, offsetFetchApi, {
          groupId,
          partitions,
          requireStable,
        })
        throwOnBrokerError(answer.errorCode, `OffsetFetch of group ${groupId}`)
        for (const { topic, partition, errorCode } of answer.offsets) {
          throwOnBrokerError(
            errorCode,
            `OffsetFetch of ${groupId} for ${topic}/${String(partition)}`,
          )
        }
        return answer.offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset }))
      },
      options,
    )
  }

  /** Commits offsets outside transactions; member id '' and generation -1 without a group. */
  async commitOffsets(
    session: GroupSession,
    offsets: readonly TopicPartitionOffset[],
    limit: RetryLimit = {},
  ): Promise<void> {
    if (offsets.length === 0) return
    const { groupId } = session
    await this.withCoordinator(
      'group',
      groupId,
      async (nodeId) => {
        const committed = await this.send(nodeId, offsetCommitApi, { ...session, offsets })
        for (const { topic, partition, errorCode } of committed) {
          throwOnBrokerError(
            errorCode,
            `OffsetCommit of ${groupId} for ${topic}/${String(partition)}`,
          )
        }
      },
      limit,
    )
  }

  #retry(limit: RetryLimit): Parameters<typeof retrying>[0] {
    return {
      timeoutMs: limit.retryTimeoutMs ?? DEFAULT_RETRY_MS,
      firstDelayMs: UNSTABLE_RETRY_MS,
      maxDelayMs: 500,
      signal: limit.signal,
    }
  }
}

function listOffsetsRequest(spec: OffsetSpec): Omit<ListOffsetsRequest, 'partitions'> {
  if (spec === 'earliest') return { isolation: 'read_uncommitted', timestampMs: EARLIEST_TIMESTAMP }
  if (spec === 'latest') return { isolation: 'read_uncommitted', timestampMs: LATEST_TIMESTAMP }
  if (spec === 'latest-committed') {
    return { isolation: 'read_committed', timestampMs: LATEST_TIMESTAMP }
  }
  return { isolation: 'read_uncommitted', timestampMs: spec.timestampMs }
}

/** Seeds have negative node ids, so that they never meet real ones. */
function parseSeed(text: string, index: number): BrokerAddress {
  const separator = text.lastIndexOf(':')
  const host = text.slice(0, separator).replace(/^\[(.*)\]$/, '$1')
  const port = Number(text.slice(separator + 1))
  if (separator < 1 || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new KafkaError(
      'INVALID_BROKER_ADDRESS',
      `Kafka broker "${text}" is not host:port; correct KAFKA_BROKERS`,
    )
  }
  return { nodeId: -1 - index, host, port }
}
