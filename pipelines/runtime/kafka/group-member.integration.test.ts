import { afterAll, beforeAll, expect, it } from 'vitest'
import { stackEnvironment, uniqueName } from '../../../ops/test/stack.ts'
import { GroupMember, KafkaAdmin, KafkaCluster } from './index.ts'
import type { GroupMemberOptions, GroupSession } from './index.ts'
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
  /** Now; empty between revocation and the next assignment. */
  tasks: readonly string[]
  session: GroupSession | undefined
  readonly log: string[]
}

function start(groupId: string, overrides: Partial<GroupMemberOptions> = {}): Watched {
  const own = newCluster()
  opened.push(own)
  const log: string[] = []
  const member = new GroupMember({
    cluster: own,
    groupId,
    topics,
    listTasks: () => tasks,
    sessionTimeoutMs: 6000,
    heartbeatIntervalMs: 100,
    onAssign: (assigned, session) => {
      watched.tasks = assigned
      watched.session = session
      log.push('assign')
      note()
      return Promise.resolve()
    },
    onRevoke: () => {
      log.push('revoke')
      watched.tasks = []
      note()
      return Promise.resolve()
    },
    onLost: (error) => {
      log.push(`lost ${error.code}`)
      watched.tasks = []
      note()
      return Promise.resolve()
    },
    onFailure: (error) => {
      log.push(`failed ${error.message}`)
      note()
    },
    ...overrides,
  })
  const watched: Watched = { member, tasks: [], session: undefined, log }
  member.start()
  return watched
}

const isBalanced = (members: readonly Watched[]): boolean => {
  const held = members.flatMap((member) => member.tasks)
  const sizes = members.map((member) => member.tasks.length)
  const sameGeneration = new Set(members.map(({ session }) => session?.generationId)).size === 1
  return (
    sameGeneration &&
    new Set(held).size === PARTITIONS &&
    held.length === PARTITIONS &&
    Math.max(...sizes) - Math.min(...sizes) <= 1
  )
}

it('three members share the tasks, keep what they have, and take over from one that leaves', async () => {
  const groupId = uniqueName('group')
  const a = start(groupId)
  await until(() => isBalanced([a]))
  const b = start(groupId)
  await until(() => isBalanced([a, b]))
  const ofTwo = [...a.tasks]
  expect(ofTwo).toEqual(['join/0', 'join/1', 'join/2', 'join/3'])
  const c = start(groupId)
  await until(() => isBalanced([a, b, c]))
  expect(ofTwo).toEqual(expect.arrayContaining([...a.tasks]))
  expect(b.tasks.every((task) => Number(task.slice(5)) >= 4)).toBe(true)
  const [keptByA, keptByC] = [[...a.tasks], [...c.tasks]]
  await b.member.close()
  expect(b.log.at(-1)).toBe('revoke')
  await until(() => isBalanced([a, c]))
  expect(a.tasks).toEqual(expect.arrayContaining(keptByA))
  expect(c.tasks).toEqual(expect.arrayContaining(keptByC))
  await Promise.all([a.member.close(), c.member.close()])
})

it('the group waits for onRevoke, which may still commit under the old generation', async () => {
  const groupId = uniqueName('group')
  const position = { topic: topics[0]!, partition: 0 }
  const mayRevoke = Promise.withResolvers<undefined>()
  let committed: unknown = 'not yet'
  const a: Watched = start(groupId, {
    onRevoke: async () => {
      a.tasks = []
      note()
      await mayRevoke.promise
      committed = await cluster
        .commitOffsets(a.member.session, [{ ...position, offset: 42 }])
        .catch((error: unknown) => error)
      note()
    },
  })
  await until(() => a.tasks.length === PARTITIONS)
  const b = start(groupId)
  await until(() => a.tasks.length === 0)
  expect(b.log).toEqual([])
  mayRevoke.resolve(undefined)
  await until(() => isBalanced([a, b]))
  expect(committed).toBeUndefined()
  expect(await cluster.committedOffsets(groupId, [position])).toEqual([{ ...position, offset: 42 }])
  await Promise.all([a.member.close(), b.member.close()])
})

it('a rebalance during onAssign aborts its signal', async () => {
  const groupId = uniqueName('group')
  let aborted = false
  let first = true
  const a: Watched = start(groupId, {
    onAssign: async (assigned, session, signal) => {
      if (first) {
        first = false
        a.log.push('restoring')
        note()
        await new Promise((resolve) => {
          signal.addEventListener('abort', resolve)
        })
        aborted = true
      }
      a.tasks = assigned
      a.session = session
      note()
    },
  })
  await until(() => a.log.includes('restoring'))
  const b = start(groupId)
  await until(() => isBalanced([a, b]))
  expect(aborted).toBe(true)
  await Promise.all([a.member.close(), b.member.close()])
})

it('a member thrown out is told, and comes back as a new one', async () => {
  const groupId = uniqueName('group')
  const a = start(groupId)
  await until(() => a.tasks.length === PARTITIONS)
  const { memberId } = a.member.session
  const coordinator = await cluster.coordinator('group', groupId)
  expect(await cluster.send(coordinator, leaveGroupApi, { groupId, memberId })).toBe(0)
  await until(() => a.log.length >= 3 && a.tasks.length === PARTITIONS)
  expect(a.log).toEqual(['assign', 'lost UNKNOWN_MEMBER_ID', 'assign'])
  expect(a.member.session.memberId).not.toBe(memberId)
  await a.member.close()
})

it('a callback that throws stops the member and frees its tasks', async () => {
  const groupId = uniqueName('group')
  const a = start(groupId, { onAssign: () => Promise.reject(new Error('cannot restore')) })
  await until(() => a.log.includes('failed cannot restore'))
  const b = start(groupId)
  await until(() => b.tasks.length === PARTITIONS)
  await b.member.close()
})
