/**
 * One member of a consumer group whose assignment is a list of tasks.
 *
 * Own loop over JoinGroup, SyncGroup and Heartbeat (the classic protocol; every broker up to 4.x
 * speaks it), because the hooks must be awaited:
 *
 * G1: `onRevoke` is awaited before the member rejoins, still under the old generation, so offsets
 *     may be committed in it. Heartbeats go on from a timer meanwhile.
 * G2: `onAssign` gets the generation its tasks may commit under. Its signal aborts when the next
 *     rebalance begins; long work (a restore) must stop or go on in the background, since the group
 *     waits for `onAssign` to return and then for `onRevoke`.
 * G3: `onLost` means that the group went on without us: nothing can be committed any more. Then the
 *     member joins again as a new one, owning nothing.
 */
import type { KafkaCluster } from './cluster.ts'
import {
  decodeAssignedTasks,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from './consumer-protocol.ts'
import { KafkaError, brokerError, brokerErrorCode, throwOnBrokerError } from './kafka-error.ts'
import type { Api, TopicPartition } from './protocol/api.ts'
import { heartbeatApi, joinGroupApi, leaveGroupApi, syncGroupApi } from './protocol/group.ts'
import type { JoinGroupRequest, JoinGroupResponse } from './protocol/group.ts'
import type { GroupSession } from './protocol/offsets.ts'
import { backOffMs, sleep } from './retry.ts'
import { assignTasks } from './task-assignor.ts'

/** The unit of assignment: `id` is `<topology>/<partition>`. */
export interface TaskSpec {
  readonly id: string
  /** Its input partitions. */
  readonly partitions: readonly TopicPartition[]
}

export interface GroupMemberOptions {
  readonly cluster: KafkaCluster
  readonly groupId: string
  /** Topics whose offsets the group commits. */
  readonly topics: readonly string[]
  /** All tasks there are; asked on the elected leader at each rebalance. */
  readonly listTasks: () => Promise<readonly TaskSpec[]> | readonly TaskSpec[]
  /** Silence after which the group goes on without this member (default 10 s). */
  readonly sessionTimeoutMs?: number
  /** How long the group waits for members to drain and rejoin (default 60 s). */
  readonly rebalanceTimeoutMs?: number
  /** Default: a third of the session time-out, at most 3 s. */
  readonly heartbeatIntervalMs?: number
  /** Drain and commit everything; all tasks are to be considered taken away (G1). */
  readonly onRevoke: () => Promise<void>
  /** Start these tasks; those kept from before may go on with their state (G2). */
  readonly onAssign: (
    tasks: readonly string[],
    session: GroupSession,
    signal: AbortSignal,
  ) => Promise<void>
  /** Drop everything without committing (G3). */
  readonly onLost: (error: KafkaError) => Promise<void>
  /** A callback threw or the broker refused for good: the member has stopped. */
  readonly onFailure: (error: Error) => void
}

export type GroupMemberState = 'idle' | 'joining' | 'stable' | 'revoking' | 'stopped'

type LeaveReason = 'rebalance' | 'closing' | { readonly lost: KafkaError }

const PROTOCOL_TYPE = 'consumer'
const PROTOCOL_NAME = 'millrace-tasks'
const REQUEST_SLACK_MS = 5000
const LOST_CODES = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID'])

export class GroupMember {
  readonly #options: GroupMemberOptions
  readonly #cluster: KafkaCluster
  readonly #closing = new AbortController()
  readonly #sessionTimeoutMs: number
  readonly #rebalanceTimeoutMs: number
  readonly #heartbeatIntervalMs: number
  #memberId = ''
  #generationId = -1
  #ownedTasks: readonly string[] = []
  #ownedGeneration = -1
  #running: Promise<void> | undefined
  #state: GroupMemberState = 'idle'

  constructor(options: GroupMemberOptions) {
    this.#options = options
    this.#cluster = options.cluster
    this.#sessionTimeoutMs = options.sessionTimeoutMs ?? 10_000
    this.#rebalanceTimeoutMs = options.rebalanceTimeoutMs ?? 60_000
    this.#heartbeatIntervalMs =
      options.heartbeatIntervalMs ?? Math.min(3000, this.#sessionTimeoutMs / 3)
  }

  get state(): GroupMemberState {
    return this.#state
  }

  /** Under which offsets may be committed now. */
  get session(): GroupSession {
    return {
      groupId: this.#options.groupId,
      memberId: this.#memberId,
      generationId: this.#generationId,
    }
  }

  /** Joins in the background; progress comes by the callbacks. */
  start(): void {
    this.#running ??= this.#run()
  }

  /** Awaits `onRevoke`, leaves the group and stops. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
    this.#state = 'stopped'
    this.#cluster.closeChannel(this.#channel().channel)
  }

  async #run(): Promise<void> {
    try {
      while (!this.#closing.signal.aborted) await this.#oneGeneration()
      await this.#leave()
    } catch (error) {
      this.#state = 'stopped'
      await this.#leave()
      this.#options.onFailure(error instanceof Error ? error : new Error(String(error)))
    }
  }

  async #oneGeneration(): Promise<void> {
    this.#state = 'joining'
    const tasks = await this.#join()
    if (tasks === undefined) return
    const reason = await this.#holdTasks(tasks)
    this.#ownedTasks = tasks
    this.#ownedGeneration = this.#generationId
    if (typeof reason === 'object') await this.#onLost(reason.lost)
  }

  // --- joining --------------------------------------------------------------------------------

  /** Joins until it succeeds; undefined when closed meanwhile. */
  async #join(): Promise<string[] | undefined> {
    for (let attempt = 0; !this.#closing.signal.aborted; attempt++) {
      try {
        const joined = await this.#joinGroup()
        return await this.#syncGroup(joined)
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        if (error.code === 'REBALANCE_IN_PROGRESS') {
          attempt = -1
          continue
        }
        if (LOST_CODES.has(error.code)) await this.#onLost(error)
        else if (error.retryable) await this.#backOff(attempt, error)
        else if (!this.#closing.signal.aborted) throw error
      }
    }
    return undefined
  }

  async #backOff(attempt: number, error: KafkaError): Promise<void> {
    this.#cluster.forgetCoordinator('group', this.#options.groupId)
    if (attempt === 0) {
      const { groupId } = this.#options
      this.#cluster.logger.warn(
        { groupId, error: error.message },
        'Cannot join the group, retrying',
      )
    }
    await sleep(backOffMs(attempt, 50, 2000), this.#closing.signal)
  }

  async #joinGroup(): Promise<JoinGroupResponse> {
    const timeoutMs = this.#rebalanceTimeoutMs + REQUEST_SLACK_MS
    const answer = await this.#toCoordinator(joinGroupApi, this.#joinRequest(), timeoutMs)
    if (brokerErrorCode(answer.errorCode) === 'MEMBER_ID_REQUIRED') {
      this.#memberId = answer.memberId
      return this.#joinGroup()
    }
    throwOnBrokerError(answer.errorCode, `JoinGroup of ${this.#options.groupId}`)
    this.#memberId = answer.memberId
    this.#generationId = answer.generationId
    return answer
  }

  #joinRequest(): JoinGroupRequest {
    const metadata = encodeSubscription({
      topics: this.#options.topics,
      ownedTasks: this.#ownedTasks,
      generation: this.#ownedGeneration,
    })
    return {
      groupId: this.#options.groupId,
      sessionTimeoutMs: this.#sessionTimeoutMs,
      rebalanceTimeoutMs: this.#rebalanceTimeoutMs,
      memberId: this.#memberId,
      protocolType: PROTOCOL_TYPE,
      protocols: [{ name: PROTOCOL_NAME, metadata }],
    }
  }

  async #syncGroup(joined: JoinGroupResponse): Promise<string[]> {
    const isLeader = joined.leaderId === joined.memberId
    const assignments = isLeader ? await this.#assign(joined) : []
    const answer = await this.#toCoordinator(
      syncGroupApi,
      { ...this.session, assignments },
      this.#rebalanceTimeoutMs + REQUEST_SLACK_MS,
    )
    throwOnBrokerError(answer.errorCode, `SyncGroup of ${this.#options.groupId}`)
    return decodeAssignedTasks(answer.assignment)
  }

  async #assign(
    joined: JoinGroupResponse,
  ): Promise<{ readonly memberId: string; readonly assignment: Buffer }[]> {
    const specs = new Map((await this.#options.listTasks()).map((spec) => [spec.id, spec]))
    const claims = joined.members.map(({ memberId, metadata }) => ({
      memberId,
      ...decodeSubscription(metadata),
    }))
    const assigned = assignTasks([...specs.keys()], claims)
    return [...assigned].map(([memberId, tasks]) => ({
      memberId,
      assignment: encodeAssignment({
        tasks,
        partitions: tasks.flatMap((task) => specs.get(task)?.partitions ?? []),
      }),
    }))
  }

  // --- holding tasks --------------------------------------------------------------------------

  /** From assignment to revocation; heartbeats run all the time (G1, G2). */
  async #holdTasks(tasks: readonly string[]): Promise<LeaveReason> {
    const ending = new AbortController()
    const heartbeats = new AbortController()
    const beating = this.#beat(ending, heartbeats.signal)
    try {
      this.#state = 'stable'
      await this.#options.onAssign(tasks, this.session, ending.signal)
      const reason = await this.#untilEnding(ending.signal)
      if (typeof reason === 'object') return reason
      this.#state = 'revoking'
      await this.#options.onRevoke()
    } finally {
      heartbeats.abort()
    }
    // Thrown out while draining: what onRevoke tried to commit was refused.
    return (await beating) ?? (this.#closing.signal.aborted ? 'closing' : 'rebalance')
  }

  #untilEnding(ending: AbortSignal): Promise<LeaveReason> {
    return new Promise((resolve) => {
      const finish = (): void => {
        resolve(ending.aborted ? (ending.reason as LeaveReason) : 'closing')
      }
      if (ending.aborted || this.#closing.signal.aborted) {
        finish()
        return
      }
      ending.addEventListener('abort', finish, { once: true })
      // Removed with this generation: there may be thousands.
      this.#closing.signal.addEventListener('abort', finish, { once: true, signal: ending })
    })
  }

  /** Aborts `ending` on the first sign of a rebalance; returns how the membership was lost, if so. */
  async #beat(
    ending: AbortController,
    stop: AbortSignal,
  ): Promise<{ readonly lost: KafkaError } | undefined> {
    while (!stop.aborted) {
      await sleep(this.#heartbeatIntervalMs, stop)
      if (stop.aborted) return undefined
      const code = await this.#heartbeat()
      if (code === 'REBALANCE_IN_PROGRESS') ending.abort('rebalance' satisfies LeaveReason)
      if (!LOST_CODES.has(code)) continue
      const lost = { lost: new KafkaError(code, `${this.#memberId} is no longer in the group`) }
      ending.abort(lost)
      return lost
    }
    return undefined
  }

  /** The answer's code; an unreachable coordinator is looked up again and asked next time. */
  async #heartbeat(): Promise<string> {
    const { groupId } = this.#options
    try {
      const errorCode = await this.#toCoordinator(
        heartbeatApi,
        this.session,
        this.#sessionTimeoutMs,
      )
      const error = brokerError(errorCode, `Heartbeat of ${groupId}`)
      if (errorCode !== 0 && error.retryable) this.#cluster.forgetCoordinator('group', groupId)
      return errorCode === 0 ? 'NONE' : error.code
    } catch (error) {
      this.#cluster.forgetCoordinator('group', groupId)
      this.#cluster.logger.debug({ groupId, error: String(error) }, 'Heartbeat failed')
      return 'UNREACHABLE'
    }
  }

  async #onLost(error: KafkaError): Promise<void> {
    const hadTasks = this.#ownedGeneration >= 0 || this.#state !== 'joining'
    this.#memberId = ''
    this.#generationId = -1
    this.#ownedTasks = []
    this.#ownedGeneration = -1
    if (hadTasks) await this.#options.onLost(error)
  }

  async #leave(): Promise<void> {
    if (this.#memberId === '') return
    const { groupId } = this.#options
    const request = { groupId, memberId: this.#memberId }
    try {
      await this.#toCoordinator(leaveGroupApi, request, REQUEST_SLACK_MS)
    } catch (error) {
      // The session time-out takes us out.
      this.#cluster.logger.debug({ groupId, error: String(error) }, 'Could not leave the group')
    }
    this.#memberId = ''
    this.#generationId = -1
  }

  async #toCoordinator<Request, Response>(
    api: Api<Request, Response>,
    request: Request,
    timeoutMs: number,
  ): Promise<Response> {
    const nodeId = await this.#cluster.coordinator('group', this.#options.groupId)
    return this.#cluster.send(nodeId, api, request, { ...this.#channel(), timeoutMs })
  }

  /** JoinGroup waits inside the broker: a connection of its own. */
  #channel(): { readonly channel: string } {
    return { channel: `group/${this.#options.groupId}` }
  }
}
