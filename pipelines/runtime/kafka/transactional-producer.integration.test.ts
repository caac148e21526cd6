import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stackEnvironment, uniqueName } from '../../../ops/test/stack.ts'
import { RecordBatchBuilder } from '../record/index.ts'
import {
  GroupMember,
  KafkaAdmin,
  KafkaCluster,
  TransactionError,
  TransactionalProducer,
  readToEnd,
} from './index.ts'
import type { GroupSession, Isolation, TopicPartition, TransactionStage } from './index.ts'

const cluster = new KafkaCluster({
  brokers: (stackEnvironment()['KAFKA_BROKERS'] ?? '').split(','),
  clientId: 'transactional-producer-test',
})
const topic = uniqueName('outputs')
const input = { topic: uniqueName('inputs'), partition: 0 }

beforeAll(async () => {
  await new KafkaAdmin(cluster).createTopics([
    { topic, partitions: 20 },
    { topic: input.topic, partitions: 1 },
  ])
})
afterAll(() => cluster.close())

const memberless = (groupId: string): GroupSession => ({ groupId, memberId: '', generationId: -1 })

function builderOf(...values: string[]): RecordBatchBuilder {
  const builder = new RecordBatchBuilder()
  for (const value of values) builder.appendRecord(Buffer.from('key'), Buffer.from(value))
  return builder
}

async function valuesOf(
  partition: number,
  isolation: Isolation = 'read_committed',
): Promise<(string | undefined)[]> {
  const values: (string | undefined)[] = []
  await readToEnd({
    cluster,
    topic,
    partition,
    isolation,
    until: 'high-watermark', // waits for the markers of the last transaction
    onRecords: (records) => {
      while (records.next()) values.push(records.value()?.toString())
    },
  })
  return values
}

interface ProducerSetup {
  readonly transactionalId: string
  readonly onStage?: (stage: TransactionStage) => Promise<void> | void
}

async function producerOf(setup: ProducerSetup): Promise<TransactionalProducer> {
  const producer = new TransactionalProducer({ cluster, ...setup })
  await producer.init()
  return producer
}

const commitOf = (partition: number, value: string, offset: number, group: GroupSession) => ({
  batches: [{ topic, partition, builders: [builderOf(value)] }],
  offsets: [{ ...input, offset }],
  group,
})

/** Stops a producer at a stage until `go` is called. */
function gateAt(stage: TransactionStage) {
  const reached = Promise.withResolvers<undefined>()
  const go = Promise.withResolvers<undefined>()
  const onStage = async (now: TransactionStage): Promise<void> => {
    if (now !== stage) return
    reached.resolve(undefined)
    await go.promise
  }
  return {
    reached: reached.promise,
    go: () => {
      go.resolve(undefined)
    },
    onStage,
  }
}

const committedOffset = async (
  groupId: string,
  requireStable = true,
): Promise<number | undefined> =>
  (await cluster.committedOffsets(groupId, [input], { requireStable }))[0]?.offset

describe('one transaction', () => {
  it('shows records and offset together, commit after commit', async () => {
    const group = memberless(uniqueName('group'))
    const producer = await producerOf({ transactionalId: uniqueName('txn') })
    for (let offset = 1; offset <= 5; offset++) {
      await producer.commit(commitOf(0, `value ${String(offset)}`, offset, group))
    }
    expect(await valuesOf(0)).toEqual(['value 1', 'value 2', 'value 3', 'value 4', 'value 5'])
    expect(await committedOffset(group.groupId)).toBe(5)
  })

  it('takes several batches of one partition and several partitions', async () => {
    const producer = await producerOf({ transactionalId: uniqueName('txn') })
    await producer.commit({
      batches: [
        { topic, partition: 1, builders: [builderOf('a', 'b'), builderOf('c')] },
        { topic, partition: 2, builders: [builderOf('d')] },
      ],
      offsets: [],
      group: memberless(uniqueName('group')),
    })
    expect(await valuesOf(1)).toEqual(['a', 'b', 'c'])
    expect(await valuesOf(2)).toEqual(['d'])
  })

  it('commits offsets without records, and nothing at all without both', async () => {
    const group = memberless(uniqueName('group'))
    const producer = await producerOf({ transactionalId: uniqueName('txn') })
    await producer.commit({ batches: [], offsets: [{ ...input, offset: 3 }], group })
    await producer.commit({ batches: [], offsets: [], group })
    expect(await committedOffset(group.groupId)).toBe(3)
  })

  it('carries more than a megabyte in batches below the limit', async () => {
    const producer = await producerOf({ transactionalId: uniqueName('txn') })
    const builders = Array.from({ length: 4 }, () => builderOf('x'.repeat(700_000)))
    await producer.commit({
      batches: [{ topic, partition: 3, builders }],
      offsets: [],
      group: memberless(uniqueName('group')),
    })
    expect((await valuesOf(3)).map((value) => value?.length)).toEqual(Array(4).fill(700_000))
  })

  it('refuses a batch above the limit; after abort and init it works again', async () => {
    const producer = await producerOf({ transactionalId: uniqueName('txn') })
    const group = memberless(uniqueName('group'))
    const tooLarge = commitOf(4, 'x'.repeat(1_100_000), 1, group)
    const refused = await producer.commit(tooLarge).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'MESSAGE_TOO_LARGE', fenced: false })
    await expect(producer.commit(commitOf(4, 'x', 1, group))).rejects.toMatchObject({
      code: 'PRODUCER_NOT_READY',
    })
    await producer.abort()
    await producer.init()
    await producer.commit(commitOf(4, 'small', 2, group))
    expect(await valuesOf(4)).toEqual(['small'])
  })
})

describe('an open transaction', () => {
  it('is invisible to read_committed, and holds a stable offset back', async () => {
    const group = memberless(uniqueName('group'))
    const gate = gateAt('offsets-committed')
    const producer = await producerOf({ transactionalId: uniqueName('txn'), onStage: gate.onStage })
    const committing = producer.commit(commitOf(5, 'open', 7, group))
    await gate.reached
    expect(await committedOffset(group.groupId, false)).toBe(-1)
    await expect(
      cluster.committedOffsets(group.groupId, [input], { retryTimeoutMs: 100 }),
    ).rejects.toMatchObject({ code: 'UNSTABLE_OFFSET_COMMIT' })
    const stable = committedOffset(group.groupId)
    gate.go()
    await committing
    expect(await stable).toBe(7)
  })

  it('that was aborted leaves no record and no offset', async () => {
    const group = memberless(uniqueName('group'))
    const gate = gateAt('offsets-committed')
    const transactionalId = uniqueName('txn')
    const producer = await producerOf({ transactionalId, onStage: gate.onStage })
    const committing = producer.commit(commitOf(6, 'aborted', 7, group)).catch((e: unknown) => e)
    await gate.reached
    const owner = await producerOf({ transactionalId }) // fences and aborts
    expect(await committedOffset(group.groupId)).toBe(-1)
    gate.go()
    expect(await committing).toMatchObject({ fenced: true })
    await owner.commit(commitOf(6, 'kept', 8, group))
    expect(await valuesOf(6)).toEqual(['kept'])
    expect(await valuesOf(6, 'read_uncommitted')).toEqual(['aborted', 'kept'])
  })
})

describe('zombies', () => {
  it('with a fenced producer are refused at every step', async () => {
    const group = memberless(uniqueName('group'))
    const transactionalId = uniqueName('txn')
    const zombie = await producerOf({ transactionalId })
    await zombie.commit(commitOf(7, 'before', 1, group))
    await producerOf({ transactionalId })
    const error = await zombie.commit(commitOf(7, 'zombie', 2, group)).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(TransactionError)
    expect(error).toMatchObject({ code: 'PRODUCER_FENCED', fenced: true })
    expect(await valuesOf(7)).toEqual(['before'])
    expect(await committedOffset(group.groupId)).toBe(1)
  })

  it('between send and commit are refused, too', async () => {
    const group = memberless(uniqueName('group'))
    const transactionalId = uniqueName('txn')
    const gate = gateAt('partitions-added')
    const zombie = await producerOf({ transactionalId, onStage: gate.onStage })
    const committing = zombie.commit(commitOf(8, 'zombie', 2, group)).catch((e: unknown) => e)
    await gate.reached
    const owner = await producerOf({ transactionalId })
    gate.go()
    expect(await committing).toMatchObject({ fenced: true })
    await owner.commit(commitOf(8, 'owner', 3, group))
    expect(await valuesOf(8)).toEqual(['owner'])
    expect(await committedOffset(group.groupId)).toBe(3)
  })

  const joined = async (groupId: string, partition: TopicPartition) => {
    const assigned = Promise.withResolvers<GroupSession>()
    const member: GroupMember = new GroupMember({
      cluster,
      groupId,
      topics: [partition.topic],
      listTasks: () => [{ id: 'task/0', partitions: [partition] }],
      onAssign: () => {
        if (member.session !== undefined) assigned.resolve(member.session)
        return Promise.resolve()
      },
      onRevoke: () => Promise.resolve(),
      onLost: () => Promise.resolve(),
      onFailure: assigned.reject,
    })
    member.start()
    return { member, session: await assigned.promise }
  }

  it('of the group are refused by member id and generation, even with a live producer', async () => {
    const { member, session } = await joined(uniqueName('group'), input)
    const transactionalId = uniqueName('txn')
    const attempt = async (offset: number, group: GroupSession): Promise<unknown> => {
      const producer = await producerOf({ transactionalId })
      return producer.commit(commitOf(9, 'x', offset, group)).catch((e: unknown) => e)
    }
    expect(await attempt(1, session)).toBeUndefined()
    expect(await attempt(2, { ...session, generationId: session.generationId - 1 })).toMatchObject({
      code: 'ILLEGAL_GENERATION',
      fenced: true,
    })
    expect(await attempt(3, { ...session, memberId: 'somebody-else' })).toMatchObject({
      code: 'UNKNOWN_MEMBER_ID',
      fenced: true,
    })
    await member.close()
    expect(await attempt(4, session)).toMatchObject({ code: 'UNKNOWN_MEMBER_ID', fenced: true })
    await producerOf({ transactionalId }) // ends what the last attempt left open
    expect(await committedOffset(session.groupId)).toBe(1)
    expect(await valuesOf(9)).toEqual(['x'])
  })
})

it('appends what trails after everything else, however much that is', async () => {
  const [data, ticks] = [14, 15]
  const producer = await producerOf({ transactionalId: uniqueName('trailing') })
  const builders = Array.from({ length: 12 }, () => builderOf('x'.repeat(700_000)))
  await producer.commit({
    batches: [{ topic, partition: data, builders }],
    trailing: {
      partitions: [{ topic, partition: ticks }],
      behind: [],
      batches: () => [{ topic, partition: ticks, builders: [builderOf('tick')] }],
    },
    offsets: [],
    group: memberless(uniqueName('group')),
  })
  producer.close()
  const timesOf = async (partition: number): Promise<number[]> => {
    const times: number[] = []
    await readToEnd({
      cluster,
      topic,
      partition,
      until: 'high-watermark',
      onRecords: (records) => {
        while (records.next()) times.push(records.timestampMs)
      },
    })
    return times
  }
  const [dataTimes, tickTimes] = [await timesOf(data), await timesOf(ticks)]
  expect([dataTimes.length, tickTimes.length]).toEqual([12, 1])
  expect(Math.min(...tickTimes)).toBeGreaterThanOrEqual(Math.max(...dataTimes))
})

it('tells what trails where the log stood behind the data before it, a predecessor’s too', async () => {
  const [data, other, ticks] = [16, 17, 18]
  const transactionalId = uniqueName('ends')
  const told: number[][] = []
  const commit = async (producer: TransactionalProducer, partitions: readonly number[]) => {
    await producer.commit({
      batches: partitions.map((partition) => ({
        topic,
        partition,
        builders: [builderOf('x'), builderOf('y')],
      })),
      trailing: {
        partitions: [{ topic, partition: ticks }],
        behind: [data, other].map((partition) => ({ topic, partition })),
        batches: (end) => {
          told.push([data, other].map((partition) => end({ topic, partition })))
          return [{ topic, partition: ticks, builders: [builderOf('tick')] }]
        },
      },
      offsets: [],
      group: memberless(uniqueName('group')),
    })
  }
  const first = await producerOf({ transactionalId })
  await commit(first, [data])
  await commit(first, []) // nothing new: remembered
  const successor = await producerOf({ transactionalId })
  await commit(successor, [other])
  expect(told).toEqual([
    [2, 0],
    [2, 0],
    [3, 2], // with the marker that ended the transaction
  ])
})
