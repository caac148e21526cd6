/**
 * One member of a consumer group whose assignment is a list of tasks.
 *
 * Rebalances are incremental (the idea of KIP-429): tasks are *held* from the assignment that names
 * them until `onRevoke` for them has returned, and go on, with their commits, while the member
 * joins the next generation. Why no two living members hold one task, and no commit goes astray:
 *
 * G1: whatever a member holds it claims in its JoinGroup, and the leader gives a claimed task to
 *     nobody else (A4). A member that is to let a task go finds it missing: it lets go (`onRevoke`,
 *     which may still commit, in the generation just begun) and joins again without that claim.
 * G2: a commit goes in the generation the member knows. One that meets the moment in which the next
 *     generation begins is refused; it may be repeated in that one (`sessionAfter`): by G1 nobody
 *     else was given the task there.
 * G3: `onLost` means that the group went on without us: others may hold our tasks now. It is told
 *     before the member joins as a new one, owning nothing, and awaited, so that no commit of then
 *     goes under the new membership. A commit under the old one is refused by its member id.
 * G4: whoever failed must not take a task back before the group has confirmed that it is still a
 *     member (`confirmedSince`): until then somebody else may be the rightful owner.
 *
 * A member that is frozen or dead breaks G1 as soon as its session has expired, without knowing it.
 * Then it is kept out by G3 and by the epoch of each task's transactional id, which its successor
 * has raised before it read anything (W1, T1).
 */
import type { KafkaCluster } from './cluster.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from './consumer-protocol.ts'
import type { TaskAssignment } from './consumer-protocol.ts'
import { KafkaError } from './kafka-error.ts'
import { Membership } from './membership.ts'
import type { TopicPartition } from './protocol/api.ts'
import type { JoinGroupResponse, SyncGroupRequest } from './protocol/group.ts'
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
  /** How long the group waits for members to rejoin (default 60 s). */
  readonly rebalanceTimeoutMs?: number
  /** Default: 250 ms, so that all members notice a rebalance within that time. */
  readonly heartbeatIntervalMs?: number
  /**
   * These are ours from now on, beside those held before. Called in every generation, maybe with
   * none. Long work goes on in the background: the next rebalance waits for this to return.
   */
  readonly onAssign: (added: readonly string[]) => Promise<void>
  /** Drain and commit these, and let them go (G1); the group waits for them. */
  readonly onRevoke: (gone: readonly string[]) => Promise<void>
  /** Drop everything without committing (G3). */
  readonly onLost: (error: KafkaError) => Promise<void>
  /** A callback threw or the broker refused for good: the member has stopped. */
  readonly onFailure: (error: Error) => void
}

/**
 * `joining` holds nothing yet; `rebalancing` holds what it had and joins the next generation.
 */
export type GroupMemberState = 'idle' | 'joining' | 'stable' | 'rebalancing' | 'stopped'

const LOST_CODES = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID'])
/** Members of a version that hands tasks over in another way: it waits until the last has left. */
const OTHER_PROTOCOL = 'INCONSISTENT_GROUP_PROTOCOL'
const HEARTBEAT_INTERVAL_MS = 250
/** Somebody lets tasks go, and the sooner all have noticed, the sooner these run again. */
const INCOMPLETE_HEARTBEAT_INTERVAL_MS = 50
/** The broker gives a new member its id at once; one that was not waited for would block a join. */
const MEMBER_ID_LIMIT_MS = 1000

export class GroupMember {
  readonly #options: GroupMemberOptions
  readonly #cluster: KafkaCluster
  readonly #membership: Membership
  readonly #closing = new AbortController()
  readonly #heartbeatIntervalMs: number
  readonly #held = new Set<string>()
  /** Generation of the assignment in force; -1 before the first and when it was lost. */
  #heldGeneration = -1
  #ending: AbortController | undefined
  #running: Promise<void> | undefined
  #state: GroupMemberState = 'idle'

  constructor(options: GroupMemberOptions) {
    this.#options = options
    this.#cluster = options.cluster
    const { cluster, groupId, sessionTimeoutMs = 10_000, rebalanceTimeoutMs = 60_000 } = options
    this.#membership = new Membership({ cluster, groupId, sessionTimeoutMs, rebalanceTimeoutMs })
    this.#heartbeatIntervalMs =
      options.heartbeatIntervalMs ?? Math.min(HEARTBEAT_INTERVAL_MS, sessionTimeoutMs / 3)
  }

  get state(): GroupMemberState {
    return this.#state
  }

  /** Under which offsets may be committed now; undefined: under none. */
  get session(): GroupSession | undefined {
    return this.#membership.session
  }

  /** See G2 and `Membership.sessionAfter`. */
  sessionAfter(refused: GroupSession): Promise<GroupSession | undefined> {
    return this.#membership.sessionAfter(refused)
  }

  /** See G4 and `Membership.confirmedSince`. */
  confirmedSince(sinceMs: number): Promise<boolean> {
    return this.#membership.confirmedSince(sinceMs)
  }

  /** Joins in the background; progress comes by the callbacks. */
  start(): void {
    this.#running ??= this.#run()
  }

  /** The tasks there are have changed: they are to be dealt again. */
  rejoin(): void {
    this.#ending?.abort()
  }

  /** Awaits `onRevoke` of everything, leaves the group and stops, also when it waits for others. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
    this.#state = 'stopped'
  }

  async #run(): Promise<void> {
    const failure = await this.#untilClosed()
    this.#state = 'stopped'
    this.#membership.interrupt()
    await this.#membership.leave()
    this.#membership.interrupt()
    if (failure !== undefined) this.#options.onFailure(failure)
  }

  async #untilClosed(): Promise<Error | undefined> {
    try {
      while (!this.#closing.signal.aborted) await this.#oneGeneration()
      return undefined
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  async #oneGeneration(): Promise<void> {
    this.#state = this.#heldGeneration < 0 ? 'joining' : 'rebalancing'
    const joining = this.#join()
    const assignment = await this.#unlessClosing(joining)
    if (assignment === undefined) await this.#giveUp(joining)
    else await this.#hold(assignment)
  }

  /** Closing: the join that is pending may still tell the generation to commit in (G2). */
  async #giveUp(joining: Promise<unknown>): Promise<void> {
    const settled = joining.catch(() => undefined)
    await this.#release([...this.#held])
    if (!this.#membership.isKnown) await within(MEMBER_ID_LIMIT_MS, settled)
    this.#membership.interrupt()
    await settled
  }

  /** Undefined as soon as the member is being closed. */
  async #unlessClosing<Result>(work: Promise<Result>): Promise<Result | undefined> {
    const over = new AbortController()
    try {
      return await Promise.race([work, aborted(this.#closing.signal, over.signal)])
    } finally {
      over.abort()
    }
  }

  // --- joining --------------------------------------------------------------------------------

  /** Joins until it succeeds; undefined when closed meanwhile. */
  async #join(): Promise<TaskAssignment | undefined> {
    for (let attempt = 0; !this.#closing.signal.aborted; attempt++) {
      try {
        const joined = await this.#membership.join(this.#subscription())
        if (this.#closing.signal.aborted) return undefined
        return await this.#sync(joined)
      } catch (error) {
        if (this.#closing.signal.aborted) return undefined
        if (!(error instanceof KafkaError)) throw error
        if (error.code === 'REBALANCE_IN_PROGRESS' || error.code === 'MEMBER_ID_REQUIRED') {
          attempt = -1
        } else if (LOST_CODES.has(error.code)) await this.#onLost(error)
        else if (error.retryable || error.code === OTHER_PROTOCOL)
          await this.#backOff(attempt, error)
        else throw error
      }
    }
    return undefined
  }

  async #backOff(attempt: number, error: KafkaError): Promise<void> {
    this.#membership.forgetCoordinator()
    if (attempt === 0) {
      const { groupId } = this.#options
      const fields = { groupId, error: error.message }
      this.#cluster.logger.warn(fields, 'Cannot join the group, retrying')
    }
    await sleep(backOffMs(attempt, 50, 2000), this.#closing.signal)
  }

  #subscription(): Buffer {
    return encodeSubscription({
      topics: this.#options.topics,
      heldTasks: [...this.#held],
      generation: this.#heldGeneration,
    })
  }

  async #sync(joined: JoinGroupResponse): Promise<TaskAssignment> {
    const isLeader = joined.leaderId === joined.memberId
    const assignments = isLeader ? await this.#assign(joined) : []
    return decodeAssignment(await this.#membership.sync(assignments))
  }

  async #assign(joined: JoinGroupResponse): Promise<SyncGroupRequest['assignments']> {
    const specs = new Map((await this.#options.listTasks()).map((spec) => [spec.id, spec]))
    const claims = joined.members.map(({ memberId, metadata }) => ({
      memberId,
      ...decodeSubscription(metadata),
    }))
    const { assigned, withheld } = assignTasks([...specs.keys()], claims)
    return [...assigned].map(([memberId, tasks]) => ({
      memberId,
      assignment: encodeAssignment({
        tasks,
        incomplete: withheld.length > 0,
        partitions: tasks.flatMap((task) => specs.get(task)?.partitions ?? []),
      }),
    }))
  }

  // --- holding tasks --------------------------------------------------------------------------

  /** One generation, from its assignment until the next is to be joined (G1). */
  async #hold({ tasks, incomplete }: TaskAssignment): Promise<void> {
    const ending = new AbortController()
    const over = new AbortController()
    this.#ending = ending
    this.#heldGeneration = this.session?.generationId ?? -1
    const intervalMs = incomplete ? INCOMPLETE_HEARTBEAT_INTERVAL_MS : this.#heartbeatIntervalMs
    const beating = this.#beat(ending, { intervalMs, over: over.signal })
    try {
      await this.#change(tasks, ending.signal)
      if (this.#closing.signal.aborted) await this.#release([...this.#held])
    } finally {
      over.abort()
    }
    const lost = await beating
    if (lost !== undefined) await this.#onLost(lost)
  }

  /** Takes what is new, lets go what is gone; returns when the next generation is to be joined. */
  async #change(tasks: readonly string[], ending: AbortSignal): Promise<void> {
    const wanted = new Set(tasks)
    const added = tasks.filter((task) => !this.#held.has(task))
    const gone = [...this.#held].filter((task) => !wanted.has(task))
    for (const task of added) this.#held.add(task)
    this.#log('Assigned', { added, gone })
    this.#state = gone.length === 0 ? 'stable' : 'rebalancing'
    await this.#options.onAssign(added)
    if (gone.length === 0) await this.#unlessClosing(aborted(ending))
    else await this.#release(gone)
  }

  async #release(gone: readonly string[]): Promise<void> {
    if (gone.length === 0) return
    await this.#options.onRevoke(gone)
    for (const task of gone) this.#held.delete(task)
  }

  /** Aborts `ending` on the first sign of a rebalance; returns how the membership was lost, if so. */
  async #beat(
    ending: AbortController,
    options: { readonly intervalMs: number; readonly over: AbortSignal },
  ): Promise<KafkaError | undefined> {
    const { intervalMs, over } = options
    while (!over.aborted) {
      await sleep(intervalMs, over)
      if (over.aborted) return undefined
      const code = await this.#membership.heartbeat()
      if (code === 'REBALANCE_IN_PROGRESS' || LOST_CODES.has(code)) ending.abort()
      if (LOST_CODES.has(code)) {
        const { groupId } = this.#options
        return new KafkaError(code, `This process is no longer a member of group ${groupId}`)
      }
    }
    return undefined
  }

  #log(message: string, fields: object): void {
    const { groupId } = this.#options
    const generation = this.#heldGeneration
    this.#cluster.logger.info({ groupId, generation, held: this.#held.size, ...fields }, message)
  }

  async #onLost(error: KafkaError): Promise<void> {
    const hadJoined = this.#heldGeneration >= 0
    this.#membership.forget()
    this.#held.clear()
    this.#heldGeneration = -1
    this.#state = 'joining'
    this.#log('The group went on without this process', { error: error.message })
    if (hadJoined) await this.#options.onLost(error)
  }
}

/** Resolves when `signal` aborts; listens until `over` does. */
const aborted = (signal: AbortSignal, over?: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    const done = (): void => {
      resolve(undefined)
    }
    if (signal.aborted) done()
    else signal.addEventListener('abort', done, { once: true, ...(over && { signal: over }) })
  })

const within = async (ms: number, work: Promise<unknown>): Promise<void> => {
  const over = new AbortController()
  await Promise.race([work, sleep(ms, over.signal)])
  over.abort()
}
