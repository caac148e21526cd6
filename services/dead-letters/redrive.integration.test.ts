import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stackEnvironment, uniqueName } from '../../ops/test/stack.ts'
import {
  IdempotentProducer,
  KafkaAdmin,
  KafkaCluster,
  readToEnd,
  type TransactionError,
} from '../../pipelines/runtime/kafka/index.ts'
import type { RecordHeader } from '../../pipelines/runtime/record/index.ts'
import { ORIGIN_HEADERS } from '../../pipelines/runtime/task/side-record.ts'
import { storedRecordOf, type StoredRecord } from '../records/record-line.ts'
import { REDRIVEN_FROM_HEADER, type Letter } from './letter.ts'
import { redrive, type RedriveOptions } from './redrive.ts'
import { scanTopic } from './scan.ts'
import { DeadLetterSummary } from './summary.ts'

const PARTITIONS = 2
let cluster: KafkaCluster
let admin: KafkaAdmin
let application: string

const newCluster = () => {
  const brokers = (stackEnvironment()['KAFKA_BROKERS'] ?? '').split(',')
  return new KafkaCluster({ brokers, clientId: 'redrive-test' })
}

beforeAll(() => {
  cluster = newCluster()
  admin = new KafkaAdmin(cluster)
  application = uniqueName('app')
})
afterAll(() => cluster.close())

const newTopics = async () => {
  const name = uniqueName('orders')
  const topics = { origin: name, letters: `${name}.dead-letter`, others: `${name}-b.dead-letter` }
  await admin.createTopics(
    Object.values(topics).map((topic) => ({
      topic,
      partitions: PARTITIONS,
      replicationFactor: 1,
      configs: {},
    })),
  )
  return topics
}

interface LetterSpec {
  readonly letters: string
  readonly origin: string
  readonly index: number
  readonly reason?: string
  /** Of the original record. */
  readonly own?: readonly RecordHeader[]
}

const header = (key: string, value: string): RecordHeader => ({ key, value: Buffer.from(value) })

const letterOf = ({ letters, origin, index, reason = 'malformed-value', own = [] }: LetterSpec) => {
  const partition = index % PARTITIONS
  return {
    topic: letters,
    partition,
    key: index % 3 === 0 ? null : Buffer.from([0xff, index & 0xff]),
    value: index % 5 === 4 ? null : Buffer.from([0, 1, 2, index & 0xff, 0xfe]),
    headers: [
      header(ORIGIN_HEADERS.reason, reason),
      header(ORIGIN_HEADERS.topic, origin),
      header(ORIGIN_HEADERS.partition, String(partition)),
      header(ORIGIN_HEADERS.offset, String(1000 + index)),
      header(ORIGIN_HEADERS.appendTimeMs, '1760000000000'),
      ...own,
    ],
  }
}

const send = async (records: readonly ReturnType<typeof letterOf>[]): Promise<void> => {
  const producer = new IdempotentProducer({ cluster, name: uniqueName('test') })
  await producer.prepare([...new Set(records.map(({ topic }) => topic))])
  for (const record of records) void producer.append(record).catch(() => undefined)
  await producer.close()
}

const recordsOf = async (topic: string): Promise<StoredRecord[]> => {
  const found: StoredRecord[] = []
  for (let partition = 0; partition < PARTITIONS; partition++) {
    await readToEnd({
      cluster,
      topic,
      partition,
      until: 'high-watermark',
      onRecords: (records) => {
        while (records.next()) found.push(storedRecordOf(partition, records))
      },
    })
  }
  return found
}

const run = (topic: string, options: Partial<RedriveOptions> = {}) =>
  redrive({ cluster, admin, topic, selection: {}, dryRun: false, application, ...options })

/** Asks again and again; the test's own time-out is the deadline. */
const until = async (isTrue: () => Promise<boolean>): Promise<void> => {
  while (!(await isTrue())) await new Promise((resolve) => setImmediate(resolve))
}

const indices = (count: number) => Array.from({ length: count }, (_, index) => index)
const contentOf = ({ partition, key, value }: Pick<StoredRecord, 'partition' | 'key' | 'value'>) =>
  `${partition} ${key?.toString('hex') ?? 'null'} ${value?.toString('hex') ?? 'null'}`

describe('sending letters again', () => {
  it('sends the original bytes to the original partitions, once however often it runs', async () => {
    const { origin, letters } = await newTopics()
    const sent = indices(50).map((index) => letterOf({ letters, origin, index }))
    await send(sent)
    expect(await run(letters, { dryRun: true })).toMatchObject({ redriven: 50, alreadyRedriven: 0 })
    expect(await recordsOf(origin)).toEqual([])
    // Several transactions per run.
    const first = await run(letters, { transactionBytes: 1000 })
    expect(first).toMatchObject({ redriven: 50, byOrigin: { [origin]: 50 }, skippedCount: 0 })
    expect(await run(letters)).toMatchObject({ redriven: 0, alreadyRedriven: 50 })
    const arrived = await recordsOf(origin)
    expect(arrived.map(contentOf).sort()).toEqual(sent.map(contentOf).sort())
    expect(arrived[0]?.headers.map(({ key }) => key)).toEqual([REDRIVEN_FROM_HEADER])
  })

  it('gives the original its own headers back, and takes no orders from them', async () => {
    const { origin, letters } = await newTopics()
    const trace = [
      header('traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
      { key: 'flags', value: Buffer.from([0, 0xff]) },
      { key: 'empty', value: null },
      header('baggage', 'a=1'),
      header('baggage', 'b=2'),
    ]
    const forged = header(ORIGIN_HEADERS.topic, `${origin}-elsewhere`)
    await send([
      letterOf({ letters, origin, index: 0, own: trace }),
      letterOf({ letters, origin, index: 1, own: [forged, header('millrace-redriven', '1')] }),
    ])
    expect(await run(letters)).toMatchObject({ redriven: 2, byOrigin: { [origin]: 2 } })
    const headers = (await recordsOf(origin)).map((record) => record.headers)
    expect(headers).toEqual([
      [...trace, header(REDRIVEN_FROM_HEADER, `${letters}/0/0`)],
      [header('millrace-redriven', '1'), header(REDRIVEN_FROM_HEADER, `${letters}/1/0`)],
    ])
  })

  it('sends what is selected, the rest later', async () => {
    const { origin, letters } = await newTopics()
    await send([
      ...indices(6).map((index) => letterOf({ letters, origin, index })),
      ...indices(4).map((index) =>
        letterOf({ letters, origin, index: 10 + index, reason: 'invalid-key' }),
      ),
    ])
    expect(await run(letters, { selection: { reason: 'invalid-key' } })).toMatchObject({
      redriven: 4,
    })
    const places = new Set(['0:0', '1:2'])
    expect(await run(letters, { selection: { places } })).toMatchObject({ redriven: 2 })
    expect(await run(letters)).toMatchObject({ redriven: 4, alreadyRedriven: 6 })
    expect(await recordsOf(origin)).toHaveLength(10)
  })

  it('sends a record once that two pipelines put aside', async () => {
    const { origin, letters, others } = await newTopics()
    await send(indices(4).map((index) => letterOf({ letters, origin, index })))
    await send(indices(6).map((index) => letterOf({ letters: others, origin, index })))
    expect(await run(letters)).toMatchObject({ redriven: 4 })
    expect(await run(others)).toMatchObject({ redriven: 2, alreadyRedriven: 4 })
    expect(await recordsOf(origin)).toHaveLength(6)
  })

  it('loses and doubles nothing when two runs meet', async () => {
    const { origin, letters } = await newTopics()
    const sent = indices(400).map((index) => letterOf({ letters, origin, index }))
    await send(sent)
    // Processes of their own do not share connections.
    const clusters = indices(3).map(() => newCluster())
    const runs = await Promise.allSettled(
      clusters.map(async (own, turn) => {
        await until(async () => (await recordsOf(origin)).length >= 40 * turn)
        return run(letters, { cluster: own, transactionBytes: 500 })
      }),
    )
    await Promise.all(clusters.map((own) => own.close()))
    expect(runs.some(({ status }) => status === 'rejected')).toBe(true)
    for (const outcome of runs) {
      if (outcome.status === 'rejected') {
        const { name, code, fenced } = outcome.reason as TransactionError
        expect({ name, code, fenced }).toEqual({
          name: 'TransactionError',
          code: expect.any(String) as unknown,
          fenced: true,
        })
      }
    }
    await run(letters)
    const arrived = await recordsOf(origin)
    expect(arrived.map(contentOf).sort()).toEqual(sent.map(contentOf).sort())
  })

  it('says which letters cannot be sent, and sends the others', async () => {
    const { origin, letters } = await newTopics()
    const lost = { ...letterOf({ letters, origin, index: 0 }), headers: [] }
    const gone = letterOf({ letters, origin: uniqueName('gone'), index: 1 })
    await send([lost, gone, letterOf({ letters, origin, index: 2 })])
    const result = await run(letters)
    expect(result).toMatchObject({ redriven: 1, skippedCount: 2 })
    expect(result.skipped.map(({ reason }) => reason).join()).toContain('does not exist any more')
  })
})

it('counts letters by reason, and which of them were sent again', async () => {
  const { origin, letters } = await newTopics()
  await send(indices(5).map((index) => letterOf({ letters, origin, index })))
  await send([letterOf({ letters, origin, index: 9, reason: 'invalid-key' })])
  await run(letters, { selection: { places: new Set(['0:0']) } })
  const summary = new DeadLetterSummary()
  const seen: Letter[] = []
  const { complete } = await scanTopic({
    cluster,
    topic: letters,
    newest: 1000,
    onEntry: (entry) => {
      summary.add(entry)
      if (entry.kind === 'letter') seen.push(entry)
    },
  })
  expect(complete).toBe(true)
  expect(summary.reasons()).toMatchObject([
    { reason: 'malformed-value', letters: 5, redriven: 1 },
    { reason: 'invalid-key', letters: 1, redriven: 0 },
  ])
  expect(seen[0]?.origin).toEqual({
    topic: origin,
    partition: 0,
    offset: 1000,
    appendTimeMs: 1_760_000_000_000,
  })
  const partly = await scanTopic({ cluster, topic: letters, newest: 1, onEntry: () => undefined })
  expect(partly.complete).toBe(false)
})
