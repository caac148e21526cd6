/**
 * What anyone may send by mistake, against the real broker, pipelines and sink: each has the outcome
 * that docs/bad-input.md promises, and each time a good record behind it, in the same partition, is
 * processed.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { IdempotentProducer, SchemaRegistryClient } from '../../pipelines/runtime/kafka/index.ts'
import { murmur2, toPartition } from '../../pipelines/runtime/record/index.ts'
import type { MetricPoint } from '../../schemas/generated/telemetry-metrics.ts'
import { seriesKey } from '../../schemas/series-key.ts'
import { signalsRollups, telemetryMetrics } from '../../schemas/topics.ts'
import { readLetter, type Letter } from '../../services/dead-letters/letter.ts'
import { readConfig } from '../../services/shared/config.ts'
import { registeredSchemaId, registryConnection } from '../../services/shared/registry.ts'
import { openClickHouse } from '../../services/shared/clickhouse.ts'
import { eventually } from '../test/eventually.ts'
import { stackEnvironment, uniqueName } from '../test/stack.ts'
import { BrokerSide } from './testing/broker-side.ts'
import { ProductProcess } from '../test/product-process.ts'
import { runProgram } from './testing/program.ts'
import { TcpProxy } from './testing/tcp-proxy.ts'

const TOPIC = telemetryMetrics.name
const HOUR_MS = 3_600_000
const database = uniqueName('bad_input').replaceAll('-', '_')
const environment = { ...stackEnvironment(), CLICKHOUSE_DATABASE: database }
const config = readConfig(environment)
const clickhouse = openClickHouse(config, {
  application: 'millrace-test',
  requestTimeoutMs: 30_000,
})

let broker: BrokerSide
let registryPath: TcpProxy
let worker: ProductProcess
let sink: ProductProcess
let schemaId: number

beforeAll(async () => {
  broker = await BrokerSide.open(config)
  schemaId = await registeredSchemaId(telemetryMetrics, registryConnection(config.schemaRegistry))
  const registry = new URL(config.schemaRegistry.url)
  registryPath = await TcpProxy.open({ host: registry.hostname, port: Number(registry.port) })
  registry.host = `127.0.0.1:${registryPath.port}`
  const cuttable = { ...environment, SCHEMA_REGISTRY_URL: registry.href }
  worker = await ProductProcess.start({ command: ['worker'], environment: cuttable })
  sink = await ProductProcess.start({ command: ['service', 'sink'], environment: cuttable })
  // Counters must not move any more for what other tests have left in the topics.
  const tenant = uniqueName('first')
  await broker.sendPoints([pointOf(tenant)])
  await expectPoints(tenant, { processed: 1, stored: 1 })
  expect(
    await wait(
      () => rowsOf(tenant),
      (rows) => rows > 0,
    ),
  ).toBe(1)
  const lag = async () =>
    (await worker.metric('worker_lag_records')) + (await sink.metric('sink_lag_records'))
  expect(await wait(lag, (records) => records === 0)).toBe(0)
})
afterAll(async () => {
  await registryPath.mend().catch(() => undefined)
  const codes = await Promise.all([worker.stop(), sink.stop()])
  await registryPath.cut()
  await clickhouse.command({ query: `DROP DATABASE IF EXISTS ${database}` })
  await Promise.all([clickhouse.close(), broker.close()])
  expect(codes).toEqual([0, 0])
})

/** Five minutes old: its window closes when the tenant's clock is set to now. */
const pointOf = (tenant: string, change: Partial<MetricPoint> = {}): MetricPoint => ({
  timestamp: Date.now() - 300_000,
  value: 1,
  tenant,
  name: 'load',
  labels: { host: 'a' },
  unit: null,
  kind: 'unspecified',
  ...change,
})

const placeOf = async (key: Uint8Array): Promise<number> =>
  toPartition(murmur2(key), await broker.cluster.partitionCount(TOPIC))

const keyOf = (point: MetricPoint): Buffer => Buffer.from(seriesKey(point))

/** Asks until it is as wanted; the caller asserts what it got. */
const wait = <Result>(probe: () => Promise<Result>, isWanted: (result: Result) => boolean) =>
  eventually(probe, isWanted, { timeoutMs: 45_000, intervalMs: 250 })

const isThere = (found: readonly unknown[]): boolean => found.length > 0

const rollupCounts = async (tenant: string): Promise<number[]> =>
  (await broker.values(signalsRollups, tenant)).map(({ count }) => count)

const rowsOf = async (tenant: string): Promise<number> => {
  const answer = await clickhouse.query({
    query: 'SELECT count() AS rows FROM metrics WHERE tenant = {tenant:String}',
    query_params: { tenant },
    format: 'JSONEachRow',
  })
  const [row] = await answer.json<{ rows: string }>()
  return Number(row?.rows)
}

/** Rows that must be there in the end, by tenant. ClickHouse gets blocks, seconds apart. */
const expectedRows = new Map<string, number>()

/** Roll-ups of the tenant's points, once its clock has passed their minute; rows are looked at later. */
const expectPoints = async (
  tenant: string,
  { processed, stored }: { readonly processed: number; readonly stored: number },
): Promise<void> => {
  expectedRows.set(tenant, stored)
  await broker.tick(tenant, Date.now())
  expect(await wait(() => rollupCounts(tenant), isThere)).toEqual([processed])
}

const lettersOf = async (topic: string, offset: number, partition: number): Promise<Letter[]> =>
  (await broker.records(topic))
    .map(readLetter)
    .filter((entry) => entry.kind === 'letter')
    .filter(
      ({ origin }) =>
        origin?.topic === TOPIC && origin.partition === partition && origin.offset === offset,
    )

interface BadValue {
  readonly title: string
  readonly value: (good: MetricPoint) => Buffer | null
  /** Of the pipelines' dead letters. */
  readonly reason: string
  /** Of the sink's; undefined where the sink keeps it as a row. */
  readonly sinkReason?: string
}

const withId = (id: number, body: Buffer): Buffer => {
  const value = Buffer.from(body)
  value.writeUInt32BE(id, 1)
  return value
}

const badValues: readonly BadValue[] = [
  {
    title: 'bytes that are not Avro',
    value: () => Buffer.from('{"value": 1}'),
    reason: 'not-confluent-avro',
    sinkReason: 'not-confluent-avro',
  },
  {
    title: 'no value',
    value: () => null,
    reason: 'missing-value',
    sinkReason: 'missing-value',
  },
  {
    title: 'a schema id that nobody has registered',
    value: (good) => withId(2_000_000_000, broker.encode(good)),
    reason: 'unknown-schema',
    sinkReason: 'unknown-schema',
  },
  {
    title: 'a record cut short',
    value: (good) => broker.encode(good).subarray(0, -3),
    reason: 'malformed-value',
    sinkReason: 'malformed-value',
  },
  {
    title: 'bytes behind the record',
    value: (good) => Buffer.concat([broker.encode(good), Buffer.from('more')]),
    reason: 'malformed-value',
    sinkReason: 'malformed-value',
  },
  {
    title: 'NaN',
    value: (good) => broker.encode({ ...good, value: Number.NaN }),
    reason: 'non-finite-value',
  },
  {
    title: 'infinity',
    value: (good) => broker.encode({ ...good, value: Number.NEGATIVE_INFINITY }),
    reason: 'non-finite-value',
  },
  {
    title: 'a time an hour ahead',
    value: (good) => broker.encode({ ...good, timestamp: Date.now() + HOUR_MS }),
    reason: 'event-time-ahead',
  },
  {
    title: 'a time before 1970',
    value: (good) => broker.encode({ ...good, timestamp: -1 }),
    reason: 'event-time-before-1970',
  },
  {
    title: 'labels as long as a record may be',
    value: (good) => broker.encode({ ...good, labels: { dump: 'x'.repeat(900_000) } }),
    reason: 'invalid-key',
    sinkReason: 'invalid-key',
  },
  {
    title: 'no Avro, and as much of it as a broker takes',
    value: () => Buffer.alloc(1_040_000, 'x'),
    reason: 'not-confluent-avro',
    sinkReason: 'not-confluent-avro',
  },
  {
    title: 'a metric without a name',
    value: (good) => broker.encode({ ...good, name: '' }),
    reason: 'invalid-key',
    sinkReason: 'invalid-key',
  },
]

describe('a value nobody can use is a dead letter, bytes and headers kept', () => {
  it.each(badValues)('$title', async ({ value, reason, sinkReason }) => {
    const tenant = uniqueName('bad')
    const good = pointOf(tenant)
    // No key that a task has seen before: the bad record is the first of its series.
    const bad = {
      key: keyOf(good),
      value: value(good),
      headers: [{ key: 'traceparent', value: Buffer.from(tenant) }],
    }
    const before = await Promise.all([
      worker.metric('worker_dead_letters_total', { reason }),
      sink.metric('sink_dead_letters_total', { topic: TOPIC, reason: sinkReason ?? '' }),
    ])
    const partition = await placeOf(bad.key)
    const { baseOffset } = await broker.send({ topic: TOPIC, partition, ...bad })
    await broker.sendPoints([good])
    await expectPoints(tenant, { processed: 1, stored: sinkReason === undefined ? 2 : 1 })

    const topics = ['rollups.dead-letter', 'anomalies.dead-letter']
    for (const topic of topics) {
      const letters = await wait(() => lettersOf(topic, baseOffset, partition), isThere)
      expect(letters).toMatchObject([{ reason, ...bad }])
    }
    const sinkLetters = await wait(
      () => lettersOf('sink.dead-letter', baseOffset, partition),
      (found) => sinkReason === undefined || isThere(found),
    )
    expect(sinkLetters.map((letter) => letter.reason)).toEqual(
      sinkReason === undefined ? [] : [sinkReason],
    )
    expect(
      await Promise.all([
        worker.metric('worker_dead_letters_total', { reason }),
        sink.metric('sink_dead_letters_total', { topic: TOPIC, reason: sinkReason ?? '' }),
      ]),
    ).toEqual([before[0] + topics.length, before[1] + sinkLetters.length])
  })

  it('a bad record of a series that is known', async () => {
    const tenant = uniqueName('bad')
    const good = pointOf(tenant)
    await broker.sendPoints([good])
    const bad = broker.encode({ ...good, value: Number.NaN })
    await broker.send({ topic: TOPIC, key: keyOf(good), value: bad })
    await broker.send({ topic: TOPIC, key: keyOf(good), value: bad.subarray(0, 9) })
    await broker.sendPoints([good])
    await expectPoints(tenant, { processed: 2, stored: 3 })
  })
})

describe('a record keyed or placed differently is processed once, where it belongs', () => {
  it.each([
    { title: 'no key', key: () => null },
    { title: 'an empty key', key: () => Buffer.alloc(0) },
    { title: 'a foreign key', key: () => Buffer.from('host-a') },
    { title: 'a key that is no text', key: () => Buffer.from([0xff, 0xfe, 0, 0x1f]) },
    { title: 'a foreign partition', key: keyOf, shift: 1 },
  ])('$title', async ({ key, shift = 0 }) => {
    const tenant = uniqueName('foreign')
    const good = pointOf(tenant)
    const partitions = await broker.cluster.partitionCount(TOPIC)
    const partition = ((await placeOf(keyOf(good))) + shift) % partitions
    const counted = () => worker.metric('worker_repartitioned_total')
    const before = await counted()
    await broker.send({ topic: TOPIC, partition, key: key(good), value: broker.encode(good) })
    await broker.sendPoints([good])
    // Both pipelines have it where it belongs before the clock passes it.
    expect(await wait(counted, (count) => count >= before + 2)).toBe(before + 2)
    await expectPoints(tenant, { processed: 2, stored: 2 })
  })
})

it('an unreachable registry makes the partition wait, no other, and loses nothing', async () => {
  // Known to the registry, but not to worker and sink: registries give equal schemas one id.
  const name = uniqueName('newer')
  const extra = { name: name.replace('-', '_'), type: ['null', 'string'], default: null }
  const schema = telemetryMetrics.schema as { readonly fields: readonly object[] }
  const id = await new SchemaRegistryClient(registryConnection(config.schemaRegistry)).register(
    `${name}-value`,
    { ...schema, fields: [...schema.fields, extra] },
    'BACKWARD_TRANSITIVE',
  )
  expect(id).not.toBe(schemaId)
  const tenant = uniqueName('waits')
  const good = pointOf(tenant)
  const partition = await placeOf(keyOf(good))
  const other = await tenantElsewhere(partition)
  const letters = await worker.metric('worker_dead_letters_total')

  await registryPath.cut()
  try {
    const newer = Buffer.concat([withId(id, broker.encode(good)), Buffer.from([0])])
    await broker.send({ topic: TOPIC, key: keyOf(good), value: newer })
    await broker.sendPoints([good, pointOf(other), pointOf(other, { timestamp: Date.now() })])
    const waiting = await wait(
      async () => worker.output,
      (log) => log.includes('Waiting for the schema registry'),
    )
    expect(waiting).toContain('Waiting for the schema registry')
    // By its own points: ticks pass nobody's data, so no tenant's clock moves while a partition waits.
    expect(await wait(() => rollupCounts(other), isThere)).toEqual([1])
    expect(
      await wait(
        () => rowsOf(other),
        (rows) => rows >= 2,
      ),
    ).toBe(2)
    expect(await rowsOf(tenant)).toBe(0)
    const lag = await worker.metric('worker_lag_records', { partition: String(partition) })
    expect(lag).toBeGreaterThanOrEqual(2)
  } finally {
    await registryPath.mend()
  }
  await expectPoints(tenant, { processed: 2, stored: 2 })
  expect(await worker.metric('worker_dead_letters_total')).toBe(letters)
})

/** A tenant whose series is in another partition. */
const tenantElsewhere = async (partition: number): Promise<string> => {
  for (;;) {
    const tenant = uniqueName('goes-on')
    if ((await placeOf(keyOf(pointOf(tenant)))) !== partition) return tenant
  }
}

const MAIN = fileURLToPath(new URL('../../services/cli/main.ts', import.meta.url))
const millrace = (args: readonly string[], input?: string) =>
  runProgram(process.execPath, [MAIN, ...args], {
    environment,
    ...(input === undefined ? {} : { input }),
  })

const FIVE_MEGABYTES = 'x'.repeat(5_000_000)

describe('a record of 5 MB is refused with the reason, by whoever sees it first', () => {
  it('our producer, at once and for this record alone', async () => {
    const tenant = uniqueName('large')
    const large = pointOf(tenant, { unit: FIVE_MEGABYTES })
    await expect(broker.sendPoints([large])).rejects.toMatchObject({
      code: 'RECORD_TOO_LARGE',
      message: expect.stringMatching(
        /telemetry\.metrics needs 5000\d{3} bytes, the limit is 1048588/,
      ),
    })
    await broker.sendPoints([pointOf(tenant)])
    await expectPoints(tenant, { processed: 1, stored: 1 })
  })

  it('the broker, when a producer lets it through', async () => {
    const tenant = uniqueName('large')
    const large = pointOf(tenant, { unit: FIVE_MEGABYTES })
    const careless = new IdempotentProducer({
      cluster: broker.cluster,
      name: uniqueName('careless'),
      maxRecordBytes: 20_000_000,
    })
    const sending = careless.send({ topic: TOPIC, key: null, value: broker.encode(large) })
    await expect(sending).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE', retryable: false })
    await careless.close().catch(() => undefined)
    await broker.sendPoints([pointOf(tenant)])
    await expectPoints(tenant, { processed: 1, stored: 1 })
  })

  it('`millrace encode`, with the line', async () => {
    const large = JSON.stringify(pointOf(uniqueName('large'), { unit: FIVE_MEGABYTES }))
    const outcome = await millrace(['encode', TOPIC], large)
    expect(outcome.code).toBe(1)
    expect(outcome.err).toMatch(
      /^millrace: line 1: takes 5000\d{3} bytes as a record, the limit is 1000000;/,
    )
  })

  it('`millrace replay`, with the line, and goes on behind it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-large-'))
    const file = join(folder, 'load.csv')
    const rows = ['a', FIVE_MEGABYTES, 'a'].map((dump, index) => `${1e9 + index},1,${dump}`)
    writeFileSync(file, ['timestamp,value,dump', ...rows, ''].join('\n'))
    const outcome = await millrace(['replay', 'metrics', file, '--json'])
    rmSync(folder, { recursive: true })
    expect(outcome.code).toBe(0)
    expect(JSON.parse(outcome.out.toString())).toMatchObject({
      read: 3,
      published: 2,
      skipped: [{ line: 3, reason: expect.stringContaining('at most 8192') as unknown }],
    })
  })
})

describe('a label explosion', () => {
  /** Of one name in one task; see keyLimit of the pipelines. */
  const LIMIT = 20_000
  const BEYOND = 5_000
  /** What 20,000 series of two pipelines may take, with room for the garbage of the moment. */
  const MEMORY_BYTES = 400_000_000

  /** Series of one name whose place is one partition. */
  const explosion = async (tenant: string, partition: number): Promise<MetricPoint[]> => {
    const partitions = await broker.cluster.partitionCount(TOPIC)
    const found: MetricPoint[] = []
    for (let index = 0; found.length < LIMIT + BEYOND; index++) {
      const point = pointOf(tenant, { name: 'requests', labels: { user: `u${index}` } })
      if (toPartition(murmur2(keyOf(point)), partitions) === partition) found.push(point)
    }
    return found
  }

  it('takes no more than its share of the room, is counted, and hurts no other series', async () => {
    const tenant = uniqueName('explosion')
    const other = pointOf(tenant)
    const partition = await placeOf(keyOf(other))
    const series = await explosion(tenant, partition)
    const refused = () => worker.metric('worker_key_limit_refused_total')
    const memory = () => worker.metric('process_resident_memory_bytes')
    const [refusedBefore, memoryBefore] = await Promise.all([refused(), memory()])
    await broker.sendPoints(series)
    await broker.sendPoints([other])
    const wanted = refusedBefore + 2 * BEYOND // two pipelines
    expect(await wait(refused, (count) => count >= wanted)).toBe(wanted)
    expect((await memory()) - memoryBefore).toBeLessThan(MEMORY_BYTES)
    // Those that came first are still watched.
    await broker.sendPoints(series.slice(0, 10))
    await broker.tick(tenant, Date.now())
    const rollups = await wait(
      () => broker.values(signalsRollups, tenant),
      (found) => found.length > LIMIT,
    )
    const of = (name: string) => rollups.filter((rollup) => rollup.name === name)
    expect(of('load').map(({ count }) => count)).toEqual([1])
    expect(of('requests')).toHaveLength(LIMIT)
    expect(of('requests').reduce((sum, { count }) => sum + count, 0)).toBe(LIMIT + 10)
    expectedRows.set(tenant, series.length + 11)
  }, 120_000)
})

it('ClickHouse has every record once that somebody measured, whatever pipelines made of it', async () => {
  const tenants = [...expectedRows.keys()]
  const counts = await wait(
    () => Promise.all(tenants.map(rowsOf)),
    (found) => found.every((rows, index) => rows >= (expectedRows.get(tenants[index] ?? '') ?? 0)),
  )
  expect(new Map(tenants.map((tenant, index) => [tenant, counts[index]]))).toEqual(expectedRows)
}, 120_000)
