/**
 * Rates of the Kafka data plane alone, without decoding or state: what is left for the rest.
 *
 *   KAFKA_BROKERS=127.0.0.1:9092 node ops/bench/data-plane.ts [--records N] [--json]
 *
 * Keys of 24 and values of 96 bytes, 4 partitions. The topic is removed afterwards. CPU is that of this process, the client.
 */
import { parseArgs } from 'node:util'
import {
  Fetcher,
  IdempotentProducer,
  KafkaAdmin,
  KafkaCluster,
  TransactionalProducer,
} from '../../pipelines/runtime/kafka/index.ts'
import { RecordBatchBuilder, RecordSet, crc32c } from '../../pipelines/runtime/record/index.ts'
import { median } from './statistics.ts'

const PARTITIONS = 4
const KEY_BYTES = 24
const VALUE_BYTES = 96
const BATCH_RECORDS = 4000
const ROUNDS = 3

const { values: args } = parseArgs({
  options: { records: { type: 'string', default: '1000000' }, json: { type: 'boolean' } },
})
const records = Number(args.records)
const brokers = (process.env['KAFKA_BROKERS'] ?? '127.0.0.1:9092').split(',')
const topic = `bench-data-plane-${String(process.pid)}`
const keys = Array.from({ length: 2000 }, (_, i) => Buffer.from(String(i).padStart(KEY_BYTES, 'k')))
const value = Buffer.alloc(VALUE_BYTES, 'v')

interface Measured {
  readonly name: string
  /** Median of the rounds. */
  readonly perSecond: number
  readonly cpuSecondsPerMillion: number
}

async function measure(name: string, run: () => Promise<number> | number): Promise<Measured> {
  const rates: number[] = []
  const costs: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const cpu = process.cpuUsage()
    const startedAt = performance.now()
    const count = await run()
    const { user, system } = process.cpuUsage(cpu)
    rates.push(count / ((performance.now() - startedAt) / 1000))
    costs.push((user + system) / count)
  }
  return {
    name,
    perSecond: Math.round(median(rates)),
    cpuSecondsPerMillion: Number(median(costs).toFixed(3)),
  }
}

const builder = new RecordBatchBuilder(1 << 20)
function encodeBatch(): Buffer {
  builder.reset()
  for (let i = 0; i < BATCH_RECORDS; i++) {
    builder.append(keys[i % keys.length]!, 0, KEY_BYTES, value, 0, VALUE_BYTES)
  }
  return builder.finish({ timestampMs: 0 })
}

function encode(): number {
  for (let done = 0; done < records; done += BATCH_RECORDS) encodeBatch()
  return records
}

function iterate(verifyCrc: boolean): number {
  const batch = Buffer.from(encodeBatch())
  let count = 0
  while (count < records) {
    const set = new RecordSet(batch, { fromOffset: 0, verifyCrc })
    while (set.next()) count += 1
  }
  return count
}

async function produce(producer: IdempotentProducer): Promise<number> {
  for (let i = 0; i < records; i++) {
    if (!producer.hasRoom) await producer.room()
    void producer.append({ topic, key: keys[i % keys.length]!, value })
  }
  await producer.flush()
  return records
}

async function fetchAll(cluster: KafkaCluster, verifyCrc: boolean): Promise<number> {
  const wanted = await cluster.listOffsets(
    Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition })),
    'latest',
  )
  let left = wanted.reduce((sum, { offset }) => sum + offset, 0)
  let count = 0
  const done = Promise.withResolvers<undefined>()
  const fetcher = new Fetcher({
    cluster,
    name: 'bench',
    verifyCrc,
    onRecords: ({ records: set, release }) => {
      let inSet = 0
      while (set.next()) inSet += 1
      release()
      count += inSet
      left -= inSet
      if (left === 0) done.resolve(undefined)
    },
    onOffsetOutOfRange: done.reject,
    onError: (_partition, error) => {
      done.reject(error)
    },
  })
  fetcher.assign(wanted.map(({ partition }) => ({ topic, partition, offset: 0 })))
  await done.promise
  await fetcher.close()
  return count
}

async function commitRepeatedly(cluster: KafkaCluster, commits: number): Promise<number> {
  const producer = new TransactionalProducer({ cluster, transactionalId: topic })
  await producer.init()
  const small = new RecordBatchBuilder()
  const group = { groupId: topic, memberId: '', generationId: -1 }
  for (let i = 0; i < commits; i++) {
    small.reset()
    small.append(keys[0]!, 0, KEY_BYTES, value, 0, VALUE_BYTES)
    await producer.commit({
      batches: [{ topic, partition: 0, builders: [small] }],
      offsets: [{ topic, partition: 1, offset: i }],
      group,
    })
  }
  producer.close()
  return commits
}

const cluster = new KafkaCluster({ brokers, clientId: 'bench-data-plane' })
const admin = new KafkaAdmin(cluster)
await admin.createTopics([{ topic, partitions: PARTITIONS }])
const producer = new IdempotentProducer({ cluster, name: 'bench' })
await producer.prepare([topic])
const crcBytes = Buffer.alloc(1 << 20, 1)

const results = [
  await measure('CRC-32C, bytes', () => {
    for (let i = 0; i < 256; i++) crc32c(crcBytes)
    return 256 * crcBytes.length
  }),
  await measure('encode', encode),
  await measure('iterate', () => iterate(false)),
  await measure('iterate, CRC checked', () => iterate(true)),
  await measure('idempotent produce', () => produce(producer)),
  await measure('fetch', () => fetchAll(cluster, false)),
  await measure('fetch, CRC checked', () => fetchAll(cluster, true)),
  await measure('transactions back to back', () => commitRepeatedly(cluster, 50)),
]
await producer.close()
await admin.deleteTopics([topic])
await cluster.close()

if (args.json === true) console.log(JSON.stringify(results))
else console.table(results)
