/**
 * Who this process is in a consumer group, and the requests that make it so: JoinGroup, SyncGroup,
 * Heartbeat and LeaveGroup of the classic protocol, which every broker up to 4.x speaks.
 *
 * One request at a time, except that `leave` and `interrupt` may come while a join is pending.
 */
import type { KafkaCluster } from './cluster.ts'
import { brokerError, brokerErrorCode, throwOnBrokerError } from './kafka-error.ts'
import type { Api } from './protocol/api.ts'
import { heartbeatApi, joinGroupApi, leaveGroupApi, syncGroupApi } from './protocol/group.ts'
import type { JoinGroupResponse, SyncGroupRequest } from './protocol/group.ts'
import type { GroupSession } from './protocol/offsets.ts'
import { sleep } from './retry.ts'

export interface MembershipOptions {
  readonly cluster: KafkaCluster
  readonly groupId: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
}

const PROTOCOL_TYPE = 'consumer'
/** Members that hand tasks over in another way must not meet in one group: it has another name. */
const PROTOCOL_NAME = 'millrace-cooperative'
const REQUEST_SLACK_MS = 5000
/** The group has a new generation and tells all members at once: that answer is on its way. */
const JOIN_ANSWER_LIMIT_MS = 10_000

export class Membership {
  readonly #options: MembershipOptions
  readonly #cluster: KafkaCluster
  #memberId = ''
  #generationId = -1
  /** From the first JoinGroup of a rebalance until it is answered. */
  #isJoining = false
  #joinsAnswered = 0
  /** When the latest request was sent whose answer counted us in. */
  #confirmedAtMs = Number.NEGATIVE_INFINITY
  #news = Promise.withResolvers<undefined>()

  constructor(options: MembershipOptions) {
    this.#options = options
    this.#cluster = options.cluster
  }

  /** Undefined while it is no member: an empty member id would be accepted, and fence nobody. */
  get session(): GroupSession | undefined {
    return this.#generationId < 0 ? undefined : this.#identity()
  }

  /** A member, or about to be one: the group waits for it to join or to leave. */
  get isKnown(): boolean {
    return this.#memberId !== ''
  }

  /** A new member gets its id first, by an answer that comes at once. */
  async join(metadata: Buffer): Promise<JoinGroupResponse> {
    this.#isJoining = true
    const sentAtMs = performance.now()
    const { groupId, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    const answer = await this.#toCoordinator(
      joinGroupApi,
      {
        groupId,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        memberId: this.#memberId,
        protocolType: PROTOCOL_TYPE,
        protocols: [{ name: PROTOCOL_NAME, metadata }],
      },
      rebalanceTimeoutMs + REQUEST_SLACK_MS,
    )
    if (brokerErrorCode(answer.errorCode) === 'MEMBER_ID_REQUIRED') this.#memberId = answer.memberId
    throwOnBrokerError(answer.errorCode, `JoinGroup of ${groupId}`)
    this.#memberId = answer.memberId
    this.#generationId = answer.generationId
    this.#joinsAnswered += 1
    this.#isJoining = false
    this.#confirm(sentAtMs)
    return answer
  }

  /** The bytes of our assignment. */
  async sync(assignments: SyncGroupRequest['assignments']): Promise<Buffer> {
    const { groupId, rebalanceTimeoutMs } = this.#options
    const sentAtMs = performance.now()
    const answer = await this.#toCoordinator(
      syncGroupApi,
      { ...this.#identity(), assignments },
      rebalanceTimeoutMs + REQUEST_SLACK_MS,
    )
    throwOnBrokerError(answer.errorCode, `SyncGroup of ${groupId}`)
    this.#confirm(sentAtMs)
    return answer.assignment
  }

  /** The answer's code, or NONE; an unreachable coordinator is looked up again and asked next time. */
  async heartbeat(): Promise<string> {
    const { groupId, sessionTimeoutMs } = this.#options
    const sentAtMs = performance.now()
    try {
      const errorCode = await this.#toCoordinator(heartbeatApi, this.#identity(), sessionTimeoutMs)
      const error = brokerError(errorCode, `Heartbeat of ${groupId}`)
      if (errorCode === 0 || error.code === 'REBALANCE_IN_PROGRESS') this.#confirm(sentAtMs)
      else if (error.retryable) this.forgetCoordinator()
      return errorCode === 0 ? 'NONE' : error.code
    } catch (error) {
      this.forgetCoordinator()
      this.#cluster.logger.debug({ groupId, error: String(error) }, 'Heartbeat failed')
      return 'UNREACHABLE'
    }
  }

  /** The others go on at once; if it fails, the session time-out takes us out. */
  async leave(): Promise<void> {
    const { groupId, memberId } = this.#identity()
    try {
      if (this.isKnown) {
        await this.#toCoordinator(leaveGroupApi, { groupId, memberId }, REQUEST_SLACK_MS)
      }
    } catch (error) {
      this.#cluster.logger.debug({ groupId, error: String(error) }, 'Could not leave the group')
    }
    this.forget()
  }

  /** No longer a member: whoever waits for news is told, and the next join makes a new one. */
  forget(): void {
    this.#memberId = ''
    this.#generationId = -1
    this.#isJoining = false
    this.#tell()
  }

  /** Ends a request that waits in the broker; it fails with CONNECTION_LOST. */
  interrupt(): void {
    this.#cluster.closeChannel(this.#channel)
  }

  forgetCoordinator(): void {
    this.#cluster.forgetCoordinator('group', this.#options.groupId)
  }

  /**
   * The session to commit in after the broker has called `refused` an old generation: it begins a
   * new one when the last member has joined, a moment before that member learns of it. Undefined
   * when the generation was passed without us.
   */
  async sessionAfter(refused: GroupSession): Promise<GroupSession | undefined> {
    const joinsBefore = this.#joinsAnswered
    const deadlineMs = performance.now() + JOIN_ANSWER_LIMIT_MS
    const isRefused = (): boolean =>
      this.#memberId === refused.memberId &&
      this.#generationId === refused.generationId &&
      this.#joinsAnswered === joinsBefore
    while (isRefused()) {
      if (!this.#isJoining || performance.now() >= deadlineMs) return undefined
      await this.#newsWithin(deadlineMs - performance.now())
    }
    return this.#memberId === refused.memberId ? this.session : undefined
  }

  /** True when the coordinator has counted us in since then; false when we are no member any more. */
  async confirmedSince(sinceMs: number): Promise<boolean> {
    const memberId = this.#memberId
    if (memberId === '') return false
    while (this.#memberId === memberId && this.#confirmedAtMs < sinceMs) await this.#news.promise
    return this.#memberId === memberId
  }

  #identity(): GroupSession {
    const { groupId } = this.#options
    return { groupId, memberId: this.#memberId, generationId: this.#generationId }
  }

  #confirm(sentAtMs: number): void {
    this.#confirmedAtMs = sentAtMs
    this.#tell()
  }

  #tell(): void {
    const told = this.#news
    this.#news = Promise.withResolvers()
    told.resolve(undefined)
  }

  async #newsWithin(ms: number): Promise<void> {
    const told = new AbortController()
    await Promise.race([this.#news.promise, sleep(ms, told.signal)])
    told.abort()
  }

  async #toCoordinator<Request, Response>(
    api: Api<Request, Response>,
    request: Request,
    timeoutMs: number,
  ): Promise<Response> {
    // Callers try again, or let it be: a look-up that fails must not hold them up.
    const nodeId = await this.#cluster.coordinator('group', this.#options.groupId, {
      retryTimeoutMs: REQUEST_SLACK_MS,
    })
    return this.#cluster.send(nodeId, api, request, { channel: this.#channel, timeoutMs })
  }

  /** JoinGroup waits inside the broker: a connection of its own. */
  get #channel(): string {
    return `group/${this.#options.groupId}`
  }
}
