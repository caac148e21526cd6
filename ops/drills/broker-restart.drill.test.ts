/**
 * The broker is killed three times while everything that speaks Kafka is at work. Nothing
 * acknowledged may be lost, nothing may appear twice, nobody needs help to go on.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  Fetcher,
  GroupMember,
  IdempotentProducer,
  KafkaAdmin,
  KafkaCluster,
  TransactionError,
  TransactionalProducer,
  readToEnd,
} from '../../pipelines/runtime/kafka/index.ts'
import { RecordBatchBuilder } from '../../pipelines/runtime/record/index.ts'
import { withoutLocalServers } from '../test/stack.ts'
import { startKillableKafka } from './killable-kafka.ts'
import type { KillableKafka } from './killable-kafka.ts'

const PARTITIONS = 4
const KILLS = 3
/** What everybody must get done between two kills, however slow the machine is. */
const ROUND = { records: 1000, transactions: 20 } as const
const ROUND_DEADLINE_MS = 60_000
const OUTAGE_MS = 2000
let kafka: KillableKafka
/** Acknowledged so far. */
const done = { records: 0, transactions: 0 }
let cluster: KafkaCluster

beforeAll(async () => {
  kafka = await startKillableKafka()
  cluster = new KafkaCluster({ brokers: kafka.brokers, clientId: 'broker-restart-drill' })
  await new KafkaAdmin(cluster).createTopics([
    { topic: 'plain', partitions: PARTITIONS },
    { topic: 'transactional', partitions: 1 },
    { topic: 'input', partitions: 1 },
  ])
})
afterAll(async () => {
  await cluster.close()
  await kafka.dispose()
})

/** Numbers 0, 1, 2, ... round-robin over the partitions until `stop`; returns how many. */
async function produceNumbers(stop: AbortSignal): Promise<number> {
  const producer = new IdempotentProducer({
    cluster,
    name: 'numbers',
    deliveryTimeoutMs: Number.POSITIVE_INFINITY,
  })
  await producer.prepare(['plain'])
  let next = 0
  while (!stop.aborted) {
    for (let i = 0; i < 100; i++, next++) {
      await producer.room()
      const value = Buffer.from(String(next))
      const record = { topic: 'plain', partition: next % PARTITIONS, key: null, value }
      void producer.append(record).then(() => {
        done.records += 1
      })
    }
    await sleep(5)
  }
  await producer.close()
  return next
}

/** One number and one offset per transaction; after any failure it goes on where Kafka says. */
async function commitNumbers(stop: AbortSignal): Promise<number> {
  const producer = new TransactionalProducer({ cluster, transactionalId: 'numbers' })
  const group = { groupId: 'numbers', memberId: '', generationId: -1 }
  const input = { topic: 'input', partition: 0 }
  const forEver = { retryTimeoutMs: Number.POSITIVE_INFINITY }
  const builder = new RecordBatchBuilder()
  let next = -1
  while (!stop.aborted) {
    try {
      if (!producer.ready) {
        await producer.init()
        next = -1
      }
      if (next < 0) {
        const [committed] = await cluster.committedOffsets(group.groupId, [input], forEver)
        next = Math.max(0, committed?.offset ?? 0)
      }
      builder.reset()
      builder.appendRecord(null, Buffer.from(String(next)))
      const batches = [{ topic: 'transactional', partition: 0, builders: [builder] }]
      await producer.commit({ batches, offsets: [{ ...input, offset: next + 1 }], group })
      next += 1
      done.transactions += 1
    } catch (error) {
      expect(error).toBeInstanceOf(TransactionError)
      expect((error as TransactionError).fenced).toBe(false)
    }
  }
  if (!producer.ready) await producer.init()
  const [committed] = await cluster.committedOffsets(group.groupId, [input], forEver)
  producer.close()
  return committed?.offset ?? 0
}

async function numbersIn(topic: string, partition: number): Promise<number[]> {
  const numbers: number[] = []
  await readToEnd({
    cluster,
    topic,
    partition,
    until: 'high-watermark',
    onRecords: (records) => {
      while (records.next()) numbers.push(Number(records.value()?.toString()))
    },
  })
  return numbers
}

async function oneRound(): Promise<void> {
  const before = { ...done }
  const progress = (): boolean =>
    done.records >= before.records + ROUND.records &&
    done.transactions >= before.transactions + ROUND.transactions
  await expect.poll(progress, { timeout: ROUND_DEADLINE_MS, interval: 20 }).toBe(true)
}

const reason = withoutLocalServers()
const unseen = reason === undefined ? '' : ` (skipped: ${reason})`
const drill = it.skipIf(reason !== undefined)

drill(
  `nothing is lost, doubled or stuck${unseen}`,
  async () => {
    const stop = new AbortController()
    const fetched: number[][] = Array.from({ length: PARTITIONS }, () => [])
    const failures: unknown[] = []
    const fetcher = new Fetcher({
      cluster,
      name: 'watcher',
      onRecords: ({ partition, records, release }) => {
        while (records.next()) fetched[partition]!.push(Number(records.value()?.toString()))
        release()
      },
      onOffsetOutOfRange: (position) => failures.push(position),
      onError: (_partition, error) => failures.push(error),
    })
    fetcher.assign(fetched.map((_, partition) => ({ topic: 'plain', partition, offset: 0 })))
    let assignments = 0
    const member = new GroupMember({
      cluster,
      groupId: 'members',
      topics: ['plain'],
      listTasks: () => [{ id: 'task/0', partitions: [{ topic: 'plain', partition: 0 }] }],
      onAssign: () => {
        assignments += 1
        return Promise.resolve()
      },
      onRevoke: () => Promise.resolve(),
      onLost: () => Promise.resolve(),
      onFailure: (error) => failures.push(error),
    })
    member.start()
    const producing = produceNumbers(stop.signal)
    const committing = commitNumbers(stop.signal)

    for (let kills = 0; kills < KILLS; kills++) {
      await oneRound()
      await kafka.server.kill()
      await sleep(OUTAGE_MS)
      await kafka.server.start()
    }
    await oneRound()
    stop.abort()
    const [produced, committed] = await Promise.all([producing, committing])

    const expected = Array.from({ length: PARTITIONS }, (_, partition) =>
      Array.from(
        { length: Math.ceil((produced - partition) / PARTITIONS) },
        (_, i) => i * PARTITIONS + partition,
      ),
    )
    expect(produced).toBe(done.records)
    for (let partition = 0; partition < PARTITIONS; partition++) {
      expect(await numbersIn('plain', partition)).toEqual(expected[partition])
    }
    expect(committed).toBeGreaterThanOrEqual(done.transactions)
    expect(await numbersIn('transactional', 0)).toEqual(
      Array.from({ length: committed }, (_, i) => i),
    )
    await expect.poll(() => fetched.flat().length, { timeout: 10_000 }).toBe(produced)
    expect(fetched).toEqual(expected)
    expect(assignments).toBeGreaterThan(0)
    await expect.poll(() => member.state, { timeout: 20_000 }).toBe('stable')
    expect(failures).toEqual([])
    await member.close()
    await fetcher.close()
  },
  600_000,
)
