import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stackEnvironment, uniqueName } from '../../../ops/test/stack.ts'
import type { Compression } from '../record/index.ts'
import { murmur2, toPartition } from '../record/index.ts'
import { IdempotentProducer, KafkaAdmin, KafkaCluster, readToEnd } from './index.ts'
import type { Delivery, IdempotentProducerOptions } from './index.ts'

const cluster = new KafkaCluster({
  brokers: (stackEnvironment()['KAFKA_BROKERS'] ?? '').split(','),
  clientId: 'idempotent-producer-test',
})
const admin = new KafkaAdmin(cluster)

beforeAll(() => cluster.connect())
afterAll(() => cluster.close())

async function setUp(options: Partial<IdempotentProducerOptions> = {}, partitions = 4) {
  const topic = uniqueName('produced')
  await admin.createTopics([{ topic, partitions }])
  const producer = new IdempotentProducer({ cluster, name: topic, ...options })
  await producer.prepare([topic])
  return { topic, producer }
}

async function valuesOf(topic: string, partition: number): Promise<(string | undefined)[]> {
  const values: (string | undefined)[] = []
  await readToEnd({
    cluster,
    topic,
    partition,
    until: 'high-watermark',
    onRecords: (records) => {
      while (records.next()) values.push(records.value()?.toString())
    },
  })
  return values
}

describe('records', () => {
  it('go to the partition of their key, in order', async () => {
    const { topic, producer } = await setUp({ batchBytes: 2000 })
    for (let i = 0; i < 2000; i++) {
      const key = Buffer.from(`key ${String(i % 10)}`)
      void producer.append({ topic, key, value: Buffer.from(String(i)) })
    }
    await producer.flush()
    const expected: string[][] = [[], [], [], []]
    for (let i = 0; i < 2000; i++) {
      const partition = toPartition(murmur2(Buffer.from(`key ${String(i % 10)}`)), 4)
      expected[partition]?.push(String(i))
    }
    for (const partition of [0, 1, 2, 3]) {
      expect(await valuesOf(topic, partition)).toEqual(expected[partition])
    }
    await producer.close()
  })

  it.each<Compression>(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
    'are taken by the broker compressed with %s',
    async (compression) => {
      const { topic, producer } = await setUp({ compression }, 1)
      const values = Array.from({ length: 500 }, (_, i) => `value ${String(i)}`)
      for (const value of values) {
        void producer.append({ topic, key: null, value: Buffer.from(value) })
      }
      await producer.flush()
      expect(await valuesOf(topic, 0)).toEqual(values)
      await producer.close()
    },
  )

  it('without a key are spread, with nulls and headers kept', async () => {
    const { topic, producer } = await setUp({}, 1)
    const headers = [
      { key: 'reason', value: Buffer.from('x') },
      { key: 'none', value: null },
    ]
    await producer.send({ topic, key: null, value: null, headers })
    const seen: unknown[] = []
    await readToEnd({
      cluster,
      topic,
      partition: 0,
      until: 'high-watermark',
      onRecords: (records) => {
        while (records.next()) seen.push([records.key(), records.value(), records.headers()])
      },
    })
    expect(seen).toEqual([[null, null, headers]])
    await producer.close()
  })

  it('share the promise of their batch, which tells where it went', async () => {
    const { topic, producer } = await setUp({}, 1)
    const deliveries = new Set<Promise<Delivery>>()
    for (let i = 0; i < 100; i++) {
      deliveries.add(producer.append({ topic, partition: 0, key: null, value: Buffer.from('x') }))
    }
    expect(deliveries.size).toBe(1)
    expect(await [...deliveries][0]).toEqual({ topic, partition: 0, baseOffset: 0, count: 100 })
    await producer.close()
  })
})

describe('refusals', () => {
  it('a record above the limit fails alone', async () => {
    const { topic, producer } = await setUp({ maxRecordBytes: 10_000 }, 1)
    void producer.append({ topic, key: null, value: Buffer.from('before') })
    expect(() => producer.append({ topic, key: null, value: Buffer.alloc(10_000) })).toThrow(
      expect.objectContaining({ code: 'RECORD_TOO_LARGE' }),
    )
    void producer.append({ topic, key: null, value: Buffer.from('after') })
    await producer.flush()
    expect(await valuesOf(topic, 0)).toEqual(['before', 'after'])
    await producer.close()
  })

  it('a batch the topic does not take fails with its reason, the next one goes on', async () => {
    const topic = uniqueName('narrow')
    await admin.createTopics([{ topic, partitions: 1, configs: { 'max.message.bytes': '2000' } }])
    const producer = new IdempotentProducer({ cluster, name: topic })
    await producer.prepare([topic])
    const delivery = producer.append({ topic, key: null, value: Buffer.alloc(5000) })
    await expect(producer.flush()).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE' })
    await expect(delivery).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE' })
    await producer.send({ topic, key: null, value: Buffer.from('fits') })
    expect(await valuesOf(topic, 0)).toEqual(['fits'])
    await producer.close()
  })

  it('a full buffer refuses, and has room again after acknowledgement', async () => {
    const { topic, producer } = await setUp({ bufferBytes: 1000, lingerMs: 0 }, 1)
    void producer.append({ topic, key: null, value: Buffer.alloc(2000) })
    expect(() => producer.append({ topic, key: null, value: Buffer.from('x') })).toThrow(
      expect.objectContaining({ code: 'PRODUCER_BUFFER_FULL', retryable: true }),
    )
    await producer.room()
    void producer.append({ topic, key: null, value: Buffer.from('x') })
    await producer.close()
    expect(producer.bufferedBytes).toBe(0)
    expect((await valuesOf(topic, 0)).length).toBe(2)
  })

  it.each([
    { title: 'a topic that was not prepared', topic: 'unprepared', code: 'TOPIC_NOT_PREPARED' },
    { title: 'a partition that does not exist', partition: 9, code: 'UNKNOWN_TOPIC_OR_PARTITION' },
  ])('$title', async ({ code, ...record }) => {
    const { topic, producer } = await setUp()
    expect(() => producer.append({ topic, key: null, value: null, ...record })).toThrow(
      expect.objectContaining({ code }),
    )
    await producer.close()
    expect(() => producer.append({ topic, key: null, value: null })).toThrow(
      expect.objectContaining({ code: 'PRODUCER_CLOSED' }),
    )
  })

  it('a topic that does not exist', async () => {
    const { producer } = await setUp()
    await expect(producer.prepare(['no-such-topic'])).rejects.toMatchObject({
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
    })
    await producer.close()
  })
})
