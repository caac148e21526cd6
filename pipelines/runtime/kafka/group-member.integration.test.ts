import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../../ops/test/eventually.ts'
import { stackEnvironment, uniqueName } from '../../../ops/test/stack.ts'
import { GroupMember, KafkaAdmin, KafkaCluster } from './index.ts'
import type { GroupMemberOptions } from './index.ts'
import { leaveGroupApi } from './protocol/group.ts'

const PARTITIONS = 8
const topics = [uniqueName('left'), uniqueName('right')]
const newCluster = (): KafkaCluster =>
  new KafkaCluster({
    brokers: (stackEnvironment()['KAFKA_BROKERS'] ?? '').split(','),
    clientId: 'group-member-test',
  })
const cluster = newCluster()
const opened = [cluster]

beforeAll(async () => {
  await new KafkaAdmin(cluster).createTopics(
    topics.map((topic) => ({ topic, partitions: PARTITIONS })),
  )
})
afterAll(async () => {
  await Promise.all(opened.map((one) => one.close()))
})

const tasks = Array.from({ length: PARTITIONS }, (_, partition) => ({
  id: `join/${String(partition)}`,
  partitions: topics.map((topic) => ({ topic, partition })),
}))

let changed = Promise.withResolvers<undefined>()
const note = (): void => {
  const before = changed
  changed = Promise.withResolvers()
  before.resolve(undefined)
}
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await changed.promise
}

interface Watched {
  readonly member: GroupMember
  /** Held now. */
  readonly tasks: Set<string>
  readonly log: string[]
}

/** A member that logs what it is told; `slow` is awaited before a revocation is done. */
function start(groupId: string, overrides: Partial<GroupMemberOptions> = {}): Watched {
  const own = newCluster()
  opened.push(own)
  const log: string[] = []
  const held = new Set<string>()
  const say = (line: string): void => {
    log.push(line)
    note()
  }
  const { onAssign, onRevoke } = overrides
  const member = new GroupMember({
    cluster: own,
    groupId,
    topics,
    listTasks: () => tasks,
    sessionTimeoutMs: 6000,
    heartbeatIntervalMs: 100,
    ...overrides,
    onAssign: async (added) => {
      for (const task of added) held.add(task)
      say(`+${shortOf(added)}`)
      await onAssign?.(added)
    },
    onRevoke: async (gone) => {
      await onRevoke?.(gone)
      for (const task of gone) held.delete(task)
      say(`-${shortOf(gone)}`)
    },
    onLost: (error) => {
      held.clear()
      say(`lost ${error.code}`)
      return Promise.resolve()
    },
    onFailure: (error) => {
      say(`failed ${error.message}`)
    },
  })
  member.start()
  return { member, tasks: held, log }
}

const shortOf = (ids: readonly string[]): string =>
  ids
    .map((id) => id.slice('join/'.length))
    .sort()
    .join('')

const isBalanced = (members: readonly Watched[]): boolean => {
  const held = members.flatMap((member) => [...member.tasks])
  const sizes = members.map((member) => member.tasks.size)
  return (
    held.length === PARTITIONS &&
    new Set(held).size === PARTITIONS &&
    Math.max(...sizes) - Math.min(...sizes) <= 1
  )
}

/** Without the generations that changed nothing. */
const changesOf = ({ log }: Watched): string[] => log.filter((line) => line !== '+')

const generationOf = ({ member }: Watched): number => member.session?.generationId ?? -1

it('three members share the tasks, give up only what moves, and take over from one that leaves', async () => {
  const groupId = uniqueName('group')
  const a = start(groupId)
  await until(() => isBalanced([a]))
  const b = start(groupId)
  await until(() => isBalanced([a, b]))
  expect(changesOf(a)).toEqual(['+01234567', '-4567'])
  expect(changesOf(b)).toEqual(['+4567'])
  const c = start(groupId)
  await until(() => isBalanced([a, b, c]))
  expect([shortOf([...a.tasks]), shortOf([...b.tasks]), shortOf([...c.tasks])]).toEqual([
    '012',
    '456',
    '37',
  ])
  const [logOfA, logOfC] = [a.log.length, c.log.length]
  await b.member.close()
  expect(b.log.at(-1)).toBe('-456')
  await until(() => isBalanced([a, c]))
  expect(a.log.slice(logOfA).filter((line) => line.startsWith('-'))).toEqual([])
  expect(c.log.slice(logOfC).filter((line) => line.startsWith('-'))).toEqual([])
  await Promise.all([a.member.close(), c.member.close()])
})

it('what moves is handed over within a second or so, without the others being asked to stop', async () => {
  const groupId = uniqueName('group')
  const a = start(groupId, { heartbeatIntervalMs: 250 })
  await until(() => isBalanced([a]))
  const startedAtMs = performance.now()
  const b = start(groupId, { heartbeatIntervalMs: 250 })
  await until(() => isBalanced([a, b]))
  expect(performance.now() - startedAtMs).toBeLessThan(3_000)
  await Promise.all([a.member.close(), b.member.close()])
})

it('the new owner gets a task when onRevoke is done, which may commit in the new generation', async () => {
  const groupId = uniqueName('group')
  const position = { topic: topics[0]!, partition: 7 }
  const mayRevoke = Promise.withResolvers<undefined>()
  let committed: unknown = 'not yet'
  const a: Watched = start(groupId, {
    onRevoke: async (gone) => {
      if (gone.length === PARTITIONS) return // closing
      a.log.push(`revoking in ${String(generationOf(a))}`)
      note()
      await mayRevoke.promise
      const session = a.member.session!
      committed = await cluster
        .commitOffsets(session, [{ ...position, offset: 42 }])
        .catch((error: unknown) => error)
    },
  })
  await until(() => a.tasks.size === PARTITIONS)
  const before = generationOf(a)
  const b = start(groupId)
  await until(() => a.log.includes(`revoking in ${String(before + 1)}`))
  await until(() => b.log.includes('+'))
  expect(b.tasks.size).toBe(0)
  mayRevoke.resolve(undefined)
  await until(() => isBalanced([a, b]))
  expect(committed).toBeUndefined()
  expect(await cluster.committedOffsets(groupId, [position])).toEqual([{ ...position, offset: 42 }])
  await Promise.all([a.member.close(), b.member.close()])
})

it('a member thrown out is told, and comes back as a new one', async () => {
  const groupId = uniqueName('group')
  const a = start(groupId)
  await until(() => a.tasks.size === PARTITIONS)
  const { memberId } = a.member.session!
  const coordinator = await cluster.coordinator('group', groupId)
  expect(await cluster.send(coordinator, leaveGroupApi, { groupId, memberId })).toBe(0)
  await until(() => a.log.length >= 3 && a.tasks.size === PARTITIONS)
  expect(a.log).toEqual(['+01234567', 'lost UNKNOWN_MEMBER_ID', '+01234567'])
  expect(a.member.session?.memberId).not.toBe(memberId)
  await a.member.close()
  expect(a.member.session).toBeUndefined()
})

it('a callback that throws stops the member and frees its tasks', async () => {
  const groupId = uniqueName('group')
  const a = start(groupId, { onAssign: () => Promise.reject(new Error('cannot restore')) })
  await until(() => a.log.includes('failed cannot restore'))
  const b = start(groupId)
  await until(() => b.tasks.size === PARTITIONS)
  await b.member.close()
})

it('tasks that come into being are dealt out when a member asks for it', async () => {
  const groupId = uniqueName('group')
  let known = tasks.slice(0, 4)
  const a = start(groupId, { listTasks: () => known })
  await until(() => a.tasks.size === 4)
  known = tasks
  a.member.rejoin()
  await until(() => a.tasks.size === PARTITIONS)
  expect(a.log).toEqual(['+0123', '+4567'])
  await a.member.close()
})

describe('while another member does not answer', () => {
  /** As a frozen process: once it has its tasks it neither heartbeats nor joins. */
  const startFrozen = (groupId: string): Watched =>
    start(groupId, { heartbeatIntervalMs: 3_600_000 })

  it('a rebalance waits for its session, and nobody lets anything go meanwhile', async () => {
    const groupId = uniqueName('group')
    const frozen = startFrozen(groupId)
    await until(() => frozen.tasks.size === PARTITIONS)
    const b = start(groupId)
    await until(() => isBalanced([b]))
    expect(b.log).toEqual(['+01234567'])
    await Promise.all([frozen.member.close(), b.member.close()])
  })

  it('a member that waits to join leaves promptly, and may commit what it holds before', async () => {
    const groupId = uniqueName('group')
    const position = { topic: topics[0]!, partition: 0 }
    const a: Watched = start(groupId, {
      onRevoke: () => cluster.commitOffsets(a.member.session!, [{ ...position, offset: 7 }]),
    })
    await until(() => isBalanced([a]))
    const frozen = startFrozen(groupId)
    await until(() => isBalanced([a, frozen]))
    const b = start(groupId)
    const state = await eventually(
      () => a.member.state,
      (now) => now === 'rebalancing',
      { intervalMs: 10 },
    )
    expect(state).toBe('rebalancing')
    const startedAtMs = performance.now()
    await Promise.all([a.member.close(), b.member.close()])
    expect(performance.now() - startedAtMs).toBeLessThan(2_000)
    expect(await cluster.committedOffsets(groupId, [position])).toEqual([
      { ...position, offset: 7 },
    ])
    await frozen.member.close()
  })
})
