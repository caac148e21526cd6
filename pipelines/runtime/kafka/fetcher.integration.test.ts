import { createRequire } from 'node:module'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../../../ops/test/eventually.ts'
import { stackEnvironment, uniqueName } from '../../../ops/test/stack.ts'
import { RecordBatchBuilder } from '../record/index.ts'
import {
  ByteBudget,
  Fetcher,
  IdempotentProducer,
  KafkaAdmin,
  KafkaCluster,
  TransactionalProducer,
} from './index.ts'
import type { FetchedRecords, FetcherOptions, TopicPartitionOffset } from './index.ts'

const brokers = (stackEnvironment()['KAFKA_BROKERS'] ?? '').split(',')
const cluster = new KafkaCluster({ brokers, clientId: 'fetcher-test' })
const admin = new KafkaAdmin(cluster)
const producer = new IdempotentProducer({ cluster, name: 'fetcher-test', lingerMs: 0 })

beforeAll(() => cluster.connect())
afterAll(async () => {
  await producer.close()
  await cluster.close()
})

const newTopic = async (partitions = 1, configs: Record<string, string> = {}): Promise<string> => {
  const topic = uniqueName('fetched')
  await admin.createTopics([{ topic, partitions, configs }])
  await producer.prepare([topic])
  return topic
}

const write = async (topic: string, partition: number, ...values: string[]): Promise<void> => {
  for (const value of values) {
    await producer.send({ topic, partition, key: null, value: Buffer.from(value) })
  }
}

/** Collects values and lets the test await a condition on what has been seen. */
function collector(options: Partial<FetcherOptions> = {}) {
  const values: string[] = []
  const outOfRange: TopicPartitionOffset[] = []
  const fetches: FetchedRecords[] = []
  let check = (): void => undefined
  const fetcher = new Fetcher({
    cluster,
    name: uniqueName('fetcher'),
    maxWaitMs: 50,
    onRecords: (fetched) => {
      while (fetched.records.next()) values.push(fetched.records.value()?.toString() ?? '')
      fetches.push(fetched)
      fetched.release()
      check()
    },
    onOffsetOutOfRange: (position) => {
      outOfRange.push(position)
      check()
    },
    onError: (_partition, error) => {
      throw error
    },
    ...options,
  })
  const until = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      check = () => {
        if (condition()) resolve()
      }
      check()
    })
  return { fetcher, values, outOfRange, fetches, until }
}

it('reads all partitions, goes on with new records, and tells the high watermark', async () => {
  const topic = await newTopic(3)
  for (const partition of [0, 1, 2]) await write(topic, partition, `${String(partition)}a`)
  const { fetcher, values, fetches, until } = collector()
  fetcher.assign([0, 1, 2].map((partition) => ({ topic, partition, offset: 0 })))
  await until(() => values.length === 3)
  await write(topic, 1, '1b')
  await until(() => values.length === 4)
  await until(() =>
    fetches.some(
      ({ partition, records, highWatermark }) =>
        partition === 1 && records.sizeBytes === 0 && highWatermark === 2,
    ),
  )
  expect([...values].sort()).toEqual(['0a', '1a', '1b', '2a'])
  await fetcher.close()
})

it('reports an offset that is gone and goes on after seek', async () => {
  const topic = await newTopic()
  await write(topic, 0, 'a', 'b')
  const { fetcher, values, outOfRange, until } = collector()
  fetcher.assign([{ topic, partition: 0, offset: 99 }])
  await until(() => outOfRange.length > 0)
  expect(outOfRange).toEqual([{ topic, partition: 0, offset: 99 }])
  expect(values).toEqual([])
  fetcher.seek({ topic, partition: 0, offset: 1 })
  await until(() => values.length === 1)
  expect(values).toEqual(['b'])
  await fetcher.close()
})

it('leaves a partition out while its bytes are not released, but not the others', async () => {
  const topic = await newTopic(2)
  await write(topic, 0, ...Array.from({ length: 20 }, () => 'x'.repeat(10_000)))
  const held: FetchedRecords[] = []
  let others = 0
  let check = (): void => undefined
  const { fetcher } = collector({
    partitionMaxBytes: 30_000,
    partitionBufferBytes: 50_000,
    onRecords: (fetched) => {
      if (fetched.partition === 0) held.push(fetched)
      else {
        if (fetched.records.next()) others += 1
        fetched.release()
      }
      check()
    },
  })
  const until = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      check = () => {
        if (condition()) resolve()
      }
      check()
    })
  fetcher.assign([0, 1].map((partition) => ({ topic, partition, offset: 0 })))
  await until(() => fetcher.bufferedBytes >= 50_000)
  const before = fetcher.bufferedBytes
  expect(before).toBeLessThan(100_000)
  await write(topic, 1, 'still read')
  await until(() => others === 1)
  expect(fetcher.bufferedBytes).toBe(before)
  const seen = new Set<number>()
  await until(() => {
    for (const { records, release } of held.splice(0)) {
      while (records.next()) seen.add(records.offset)
      release()
      release() // a second call does nothing
    }
    return seen.size === 20
  })
  expect(fetcher.bufferedBytes).toBe(0)
  await fetcher.close()
})

it('shares a budget between fetchers: whoever holds something waits, whoever holds nothing is read', async () => {
  const topics = [await newTopic(1), await newTopic(2)]
  for (const topic of topics) {
    await write(topic, 0, ...Array.from({ length: 30 }, () => 'x'.repeat(10_000)))
  }
  const budget = new ByteBudget(100_000)
  const held: FetchedRecords[] = []
  const others: string[] = []
  const fetchers = topics.map(() =>
    collector({
      partitionMaxBytes: 30_000,
      budget,
      onRecords: (fetched) => {
        if (fetched.partition === 0 && fetched.records.sizeBytes > 0) held.push(fetched)
        else {
          while (fetched.records.next()) others.push(fetched.records.value()?.toString() ?? '')
          fetched.release()
        }
      },
    }),
  )
  const positions = topics.map((topic) => ({ topic, partition: 0, offset: 0 }))
  for (const [index, { fetcher }] of fetchers.entries()) fetcher.assign([positions[index]!])
  await eventually(
    () => budget.isSpent,
    (isSpent) => isSpent,
  )
  // Spent is found when it is: each fetcher may have one more answer on its way.
  expect(budget.usedBytes).toBeLessThan(100_000 + 2 * 40_000)
  const [, second] = fetchers
  second!.fetcher.assign([{ topic: topics[1]!, partition: 1, offset: 0 }])
  await write(topics[1]!, 1, 'read all the same')
  await eventually(
    () => others.length,
    (length) => length === 1,
  )
  expect(budget.usedBytes).toBeLessThan(100_000 + 2 * 40_000)
  const seen = new Set<string>()
  await eventually(
    () => {
      for (const { topic, records, release } of held.splice(0)) {
        while (records.next()) seen.add(`${topic} ${String(records.offset)}`)
        release()
      }
      return seen.size
    },
    (size) => size === 60,
  )
  expect(budget.usedBytes).toBe(0)
  for (const { fetcher } of fetchers) await fetcher.close()
})

it('gives back what it holds when it is closed, once', async () => {
  const topic = await newTopic()
  await write(topic, 0, 'x'.repeat(10_000))
  const budget = new ByteBudget(100_000)
  const held: FetchedRecords[] = []
  const { fetcher } = collector({ budget, onRecords: (fetched) => held.push(fetched) })
  fetcher.assign([{ topic, partition: 0, offset: 0 }])
  await eventually(
    () => budget.usedBytes,
    (bytes) => bytes > 10_000,
  )
  await fetcher.close()
  expect(budget.usedBytes).toBe(0)
  for (const { release } of held) release()
  expect(budget.usedBytes).toBe(0)
  expect(budget.shareBytes).toBe(100_000)
})

it('reads a record larger than every limit of the fetch', async () => {
  const topic = await newTopic(2, { 'max.message.bytes': '6000000' })
  const large = new IdempotentProducer({ cluster, name: 'large', maxRecordBytes: 5_500_000 })
  await large.send({ topic, partition: 0, key: null, value: Buffer.alloc(5_000_000, 'x') })
  await write(topic, 1, 'small')
  await write(topic, 0, 'behind')
  const { fetcher, values, until } = collector({ maxBytes: 100_000, partitionMaxBytes: 1000 })
  fetcher.assign([0, 1].map((partition) => ({ topic, partition, offset: 0 })))
  await until(() => values.length === 3)
  expect(values.map((value) => value.length).sort((a, b) => a - b)).toEqual([5, 6, 5_000_000])
  await fetcher.close()
  await large.close()
})

it('passes control records at the end of a compacted topic', async () => {
  const topic = await newTopic(1, { 'cleanup.policy': 'compact' })
  const transactions = new TransactionalProducer({ cluster, transactionalId: uniqueName('txn') })
  await transactions.init()
  const builder = new RecordBatchBuilder()
  builder.appendRecord(Buffer.from('k'), Buffer.from('v'))
  const group = { groupId: uniqueName('group'), memberId: '', generationId: -1 }
  await transactions.commit({
    batches: [{ topic, partition: 0, builders: [builder] }],
    offsets: [],
    group,
  })
  const { fetcher, values, fetches, until } = collector()
  fetcher.assign([{ topic, partition: 0, offset: 0 }])
  // One record and one marker: the position must reach 2.
  await until(() =>
    fetches.some(({ records }) => records.nextOffset === 2 && records.sizeBytes === 0),
  )
  expect(values).toEqual(['v'])
  await fetcher.close()
})

it('drops answers to what was unassigned or moved meanwhile', async () => {
  const topic = await newTopic()
  await write(topic, 0, 'a', 'b', 'c')
  const { fetcher, values, until } = collector()
  fetcher.assign([{ topic, partition: 0, offset: 0 }])
  fetcher.unassign([{ topic, partition: 0 }])
  fetcher.assign([{ topic, partition: 0, offset: 2 }])
  await until(() => values.length > 0)
  expect(values).toEqual(['c'])
  await fetcher.close()
})

it('waits for a topic that does not exist yet', async () => {
  const topic = uniqueName('later')
  const { fetcher, values, until } = collector()
  fetcher.assign([{ topic, partition: 0, offset: 0 }])
  await admin.createTopics([{ topic, partitions: 1 }])
  await write(topic, 0, 'here')
  await until(() => values.length === 1)
  await fetcher.close()
})

it.each(['none', 'gzip'] as const)(
  'reads what a plain kafkajs producer wrote (%s)',
  async (kind) => {
    const { Kafka, CompressionTypes, logLevel } = createRequire(import.meta.url)(
      'kafkajs',
    ) as typeof import('kafkajs')
    const topic = await newTopic()
    const plain = new Kafka({ brokers, logLevel: logLevel.NOTHING }).producer()
    await plain.connect()
    const compression = kind === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None
    const messages = Array.from({ length: 100 }, (_, i) => ({
      key: String(i),
      value: `v${String(i)}`,
      headers: { h: 'x' },
    }))
    await plain.send({ topic, compression, messages })
    await plain.disconnect()
    const { fetcher, values, until } = collector()
    fetcher.assign([{ topic, partition: 0, offset: 0 }])
    await until(() => values.length === 100)
    expect(values).toEqual(messages.map(({ value }) => value))
    await fetcher.close()
  },
)

it('reuses the memory of an answer only when all its partitions have been released', async () => {
  const topic = await newTopic(2)
  const count = 700
  const text = (partition: number, index: number): string =>
    `${String(partition)}/${String(index)}`.padEnd(5_000, '.')
  for (const partition of [0, 1]) {
    for (let index = 0; index < count; index++) {
      const value = Buffer.from(text(partition, index))
      void producer.append({ topic, partition, key: null, value })
    }
  }
  await producer.flush()
  const held: FetchedRecords[] = []
  const values: string[][] = [[], []]
  const read = ({ partition, records }: FetchedRecords): void => {
    while (records.next()) values[partition]?.push(records.value()?.toString() ?? '')
  }
  const { fetcher } = collector({
    reusesMemory: true,
    onRecords(fetched) {
      if (fetched.partition === 0) {
        held.push(fetched)
        return
      }
      read(fetched)
      fetched.release()
    },
  })
  fetcher.assign([0, 1].map((partition) => ({ topic, partition, offset: 0 })))
  await eventually(
    () => Promise.resolve([held.at(-1)?.records.nextOffset, values[1]?.length]),
    (seen) => seen.every((number) => number === count),
  )
  for (const fetched of held) {
    read(fetched)
    fetched.release()
  }
  for (const partition of [0, 1]) {
    expect(values[partition]).toEqual(
      Array.from({ length: count }, (_, index) => text(partition, index)),
    )
  }
  await fetcher.close()
})
