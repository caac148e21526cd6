/**
 * Transactions that are stopped between send and commit of their offsets, while the group goes on:
 * with their member, and without it.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../../../ops/test/eventually.ts'
import { stackEnvironment, uniqueName } from '../../../ops/test/stack.ts'
import { RecordBatchBuilder } from '../record/index.ts'
import { GroupMember, KafkaAdmin, KafkaCluster, readToEnd, TransactionalProducer } from './index.ts'
import type { SendOptions } from './index.ts'
import type { Api } from './protocol/api.ts'
import { joinGroupApi, leaveGroupApi } from './protocol/group.ts'
import { txnOffsetCommitApi } from './protocol/transactions.ts'

const ILLEGAL_GENERATION = 22

/** Counts commits in an old generation, and can hold JoinGroup or the answers to it back. */
class HeldCluster extends KafkaCluster {
  refusedOffsets = 0
  #mayJoin: Promise<unknown> = Promise.resolve()
  #mayHear: Promise<unknown> = Promise.resolve()

  /** JoinGroup is sent when the returned function has been called. */
  holdJoin(): () => void {
    const held = Promise.withResolvers<undefined>()
    this.#mayJoin = held.promise
    return () => {
      held.resolve(undefined)
    }
  }

  /** Answers to JoinGroup arrive when the returned function has been called. */
  holdAnswer(): () => void {
    const held = Promise.withResolvers<undefined>()
    this.#mayHear = held.promise
    return () => {
      held.resolve(undefined)
    }
  }

  override async send<Request, Response>(
    nodeId: number,
    api: Api<Request, Response>,
    request: Request,
    options?: SendOptions,
  ): Promise<Response> {
    if (api.key === joinGroupApi.key) await this.#mayJoin
    const answer = await super.send(nodeId, api, request, options)
    if (api.key === joinGroupApi.key) await this.#mayHear
    if (api.key === txnOffsetCommitApi.key) {
      const partitions = answer as readonly { readonly errorCode: number }[]
      if (partitions.some(({ errorCode }) => errorCode === ILLEGAL_GENERATION))
        this.refusedOffsets += 1
    }
    return answer
  }
}

const topic = uniqueName('outputs')
const input = { topic: uniqueName('inputs'), partition: 0 }
const opened: KafkaCluster[] = []
const newCluster = (): HeldCluster => {
  const cluster = new HeldCluster({
    brokers: (stackEnvironment()['KAFKA_BROKERS'] ?? '').split(','),
    clientId: 'rebalanced-commit-test',
  })
  opened.push(cluster)
  return cluster
}
const admin = newCluster()

beforeAll(async () => {
  await new KafkaAdmin(admin).createTopics([
    { topic, partitions: 8 },
    { topic: input.topic, partitions: 1 },
  ])
})
afterAll(() => Promise.all(opened.map((cluster) => cluster.close())))

const TASKS = ['work/0', 'work/1'].map((id) => ({ id, partitions: [input] }))

const startMember = (groupId: string, cluster = newCluster()) => {
  const log: string[] = []
  const member = new GroupMember({
    cluster,
    groupId,
    topics: [input.topic],
    listTasks: () => TASKS,
    sessionTimeoutMs: 6_000,
    heartbeatIntervalMs: 100,
    onAssign: (added) => {
      log.push(...added.map((id) => `+${id}`))
      return Promise.resolve()
    },
    onRevoke: (gone) => {
      log.push(...gone.map((id) => `-${id}`))
      return Promise.resolve()
    },
    onLost: () => {
      log.push('lost')
      return Promise.resolve()
    },
    onFailure: (error) => log.push(String(error)),
  })
  member.start()
  return { member, log, cluster }
}

const until = async (condition: () => boolean): Promise<void> => {
  expect(await eventually(condition, Boolean, { intervalMs: 10 })).toBe(true)
}

/** A transaction of `member` that has written to `partition` and waits before its offsets. */
const stoppedCommit = async (
  { member, cluster }: ReturnType<typeof startMember>,
  { partition, offset }: { partition: number; offset: number },
) => {
  const reached = Promise.withResolvers<undefined>()
  const go = Promise.withResolvers<undefined>()
  const transactionalId = uniqueName('txn')
  const producer = new TransactionalProducer({
    cluster,
    transactionalId,
    onStage: async (stage) => {
      if (stage !== 'partitions-added') return
      reached.resolve(undefined)
      await go.promise
    },
  })
  await producer.init()
  const builder = new RecordBatchBuilder()
  builder.appendRecord(null, Buffer.from(`offset ${offset}`))
  const committing = producer
    .commit({
      batches: [{ topic, partition, builders: [builder] }],
      offsets: [{ ...input, offset }],
      group: member.session!,
      groupAfter: (refused) => member.sessionAfter(refused),
    })
    .catch((error: unknown) => error)
  await reached.promise
  return {
    transactionalId,
    goOn: () => {
      go.resolve(undefined)
      return committing
    },
  }
}

const committedIn = async (groupId: string, partition: number) => {
  const [found] = await admin.committedOffsets(groupId, [input])
  let records = 0
  await readToEnd({
    cluster: admin,
    topic,
    partition,
    until: 'high-watermark',
    onRecords: (set) => {
      while (set.next()) records += 1
    },
  })
  return { offset: found?.offset, records }
}

it('goes through in the generation that began meanwhile', async () => {
  const groupId = uniqueName('group')
  const first = startMember(groupId)
  await until(() => first.log.length === 2)
  const { generationId } = first.member.session!
  const commit = await stoppedCommit(first, { partition: 0, offset: 5 })
  const second = startMember(groupId)
  await until(() => second.log.includes('+work/1'))
  expect(first.member.session?.generationId).toBeGreaterThan(generationId)
  expect(await commit.goOn()).toBeUndefined()
  expect(first.cluster.refusedOffsets).toBe(1)
  expect(await committedIn(groupId, 0)).toEqual({ offset: 5, records: 1 })
  await Promise.all([first.member.close(), second.member.close()])
})

it('waits for the generation that its own member does not know of yet', async () => {
  const groupId = uniqueName('group')
  const first = startMember(groupId)
  await until(() => first.log.length === 2)
  const commit = await stoppedCommit(first, { partition: 1, offset: 6 })
  const letHear = first.cluster.holdAnswer()
  const second = startMember(groupId)
  await until(() => second.member.session !== undefined) // it has heard what the first has not
  const done = commit.goOn()
  await until(() => first.cluster.refusedOffsets === 1)
  const early = await Promise.race([done, Promise.resolve('still waiting')])
  expect(early).toBe('still waiting')
  letHear()
  expect(await done).toBeUndefined()
  expect(await committedIn(groupId, 1)).toEqual({ offset: 6, records: 1 })
  await Promise.all([first.member.close(), second.member.close()])
})

it('is taken in the old generation as long as the group waits for somebody', async () => {
  const groupId = uniqueName('group')
  const first = startMember(groupId)
  await until(() => first.log.length === 2)
  const commit = await stoppedCommit(first, { partition: 2, offset: 7 })
  const silent = startMember(groupId)
  await until(() => silent.log.includes('+work/1'))
  const letJoin = silent.cluster.holdJoin() // the group waits for it
  const third = startMember(groupId)
  await until(() => first.member.state === 'rebalancing')
  expect(await commit.goOn()).toBeUndefined()
  expect(await committedIn(groupId, 2)).toEqual({ offset: 7, records: 1 })
  expect(first.member.state).toBe('rebalancing')
  letJoin()
  await Promise.all([first.member.close(), silent.member.close(), third.member.close()])
})

it('is refused for good when the group has gone on without its member', async () => {
  const groupId = uniqueName('group')
  const first = startMember(groupId)
  await until(() => first.log.length === 2)
  const commit = await stoppedCommit(first, { partition: 3, offset: 8 })
  const { memberId } = first.member.session!
  const coordinator = await admin.coordinator('group', groupId)
  await admin.send(coordinator, leaveGroupApi, { groupId, memberId })
  // It is a member again, under another id: what it began before is not its any more.
  await until(() => first.log.filter((line) => line === '+work/0').length === 2)
  expect(await commit.goOn()).toMatchObject({ code: 'UNKNOWN_MEMBER_ID', fenced: true })
  const successor = new TransactionalProducer({
    cluster: admin,
    transactionalId: commit.transactionalId,
  })
  await successor.init()
  expect(await committedIn(groupId, 3)).toEqual({ offset: -1, records: 0 })
  expect(await first.member.confirmedSince(performance.now())).toBe(true)
  await first.member.close()
  expect(await first.member.confirmedSince(performance.now())).toBe(false)
})
