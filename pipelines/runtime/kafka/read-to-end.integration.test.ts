import { afterAll, beforeAll, expect, it } from 'vitest'
import { stackEnvironment, uniqueName } from '../../../ops/test/stack.ts'
import { RecordBatchBuilder } from '../record/index.ts'
import {
  IdempotentProducer,
  KafkaAdmin,
  KafkaCluster,
  TransactionalProducer,
  isOffsetOutOfRange,
  readToEnd,
} from './index.ts'
import type { ReadProgress, ReadToEndOptions } from './index.ts'

const brokers = (stackEnvironment()['KAFKA_BROKERS'] ?? '').split(',')
const cluster = new KafkaCluster({ brokers, clientId: 'read-to-end-test' })
const admin = new KafkaAdmin(cluster)
const topic = uniqueName('numbers')

beforeAll(async () => {
  await admin.createTopics([{ topic, partitions: 1 }])
  const producer = new IdempotentProducer({ cluster, name: 'numbers', batchBytes: 5000 })
  await producer.prepare([topic])
  for (let i = 0; i < 10_000; i++) {
    void producer.append({ topic, key: null, value: Buffer.from(String(i)) })
  }
  await producer.close()
})
afterAll(() => cluster.close())

async function read(options: Partial<ReadToEndOptions>) {
  const offsets: number[] = []
  const progress: ReadProgress[] = []
  const result = await readToEnd({
    cluster,
    topic,
    partition: 0,
    until: 'high-watermark',
    onRecords: (records) => {
      while (records.next()) offsets.push(records.offset)
    },
    onProgress: (now) => progress.push(now),
    ...options,
  })
  return { offsets, progress, result }
}

const range = (from: number, until: number): number[] =>
  Array.from({ length: until - from }, (_, index) => from + index)

it.each([
  {
    title: 'all of it',
    fromOffset: undefined,
    until: 'high-watermark' as const,
    from: 0,
    end: 10_000,
  },
  {
    title: 'the rest from an offset',
    fromOffset: 9_990,
    until: 'last-stable' as const,
    from: 9_990,
    end: 10_000,
  },
  { title: 'a range of offsets', fromOffset: 123, until: 4_567, from: 123, end: 4_567 },
  {
    title: 'nothing from the end',
    fromOffset: 10_000,
    until: 'high-watermark' as const,
    from: 10_000,
    end: 10_000,
  },
])('reads $title', async ({ fromOffset, until, from, end }) => {
  const start = fromOffset === undefined ? {} : { fromOffset }
  const { offsets, result, progress } = await read({ ...start, until, maxBytes: 20_000 })
  expect(offsets).toEqual(range(from, end))
  expect(result).toMatchObject({ startOffset: from, endOffset: end })
  expect(progress.at(-1)).toMatchObject({ position: end, endOffset: end })
})

it('an offset that does not exist is an error, not a reset', async () => {
  const error = await read({ fromOffset: 20_000, until: 30_000 }).catch((e: unknown) => e)
  expect(isOffsetOutOfRange(error)).toBe(true)
})

it('stops when told', async () => {
  const stop = new AbortController()
  const reading = read({
    until: 99_999, // would wait for ever
    signal: stop.signal,
    onProgress: ({ position }) => {
      if (position === 10_000) stop.abort()
    },
  })
  await expect(reading).rejects.toMatchObject({ code: 'READ_ABORTED' })
})

it('leaves no rejection behind when it is told to stop as its client closes', async () => {
  const closed = new KafkaCluster({ brokers, clientId: 'read-to-end-test' })
  await closed.close()
  const signal = AbortSignal.abort()
  const reading = read({ cluster: closed, fromOffset: 0, until: 10, signal })
  await expect(reading).rejects.toMatchObject({ code: 'READ_ABORTED' })
})

it('waits for an open transaction below the high watermark, but not up to the last stable offset', async () => {
  const outputs = uniqueName('outputs')
  await admin.createTopics([{ topic: outputs, partitions: 1 }])
  const reached = Promise.withResolvers<undefined>()
  const go = Promise.withResolvers<undefined>()
  const producer = new TransactionalProducer({
    cluster,
    transactionalId: uniqueName('txn'),
    onStage: async (stage) => {
      if (stage !== 'produced') return
      reached.resolve(undefined)
      await go.promise
    },
  })
  await producer.init()
  const builder = new RecordBatchBuilder()
  builder.appendRecord(null, Buffer.from('pending'))
  const group = { groupId: uniqueName('group'), memberId: '', generationId: -1 }
  const batches = [{ topic: outputs, partition: 0, builders: [builder] }]
  const committing = producer.commit({ batches, offsets: [], group })
  await reached.promise
  const stable = await read({ topic: outputs, until: 'last-stable' })
  expect(stable.offsets).toEqual([])
  const all = read({ topic: outputs, until: 'high-watermark' })
  go.resolve(undefined)
  await committing
  expect((await all).offsets).toEqual([0])
})
