/** The sink as a process against a real Kafka, registry and ClickHouse. */
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stackEnvironment, uniqueName } from '../../ops/test/stack.ts'
import { KafkaAdmin } from '../../pipelines/runtime/kafka/index.ts'
import { seriesId, seriesKey } from '../../schemas/series-key.ts'
import { deleteRecords } from './testing/delete-records.ts'
import { SinkUnderTest, stop } from './testing/sink-under-test.ts'

const AT_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678)
const AT_TEXT = '2026-01-02 03:04:05.678'
const SERIES = { tenant: 'default', name: 'cpu', labels: { host: 'a', zone: 'ü' } }
const KEY = Buffer.from(seriesKey(SERIES))
const ID = seriesId(seriesKey(SERIES))

const point = (index: number) => ({
  ...SERIES,
  timestamp: AT_MS + index,
  value: index,
  unit: index % 2 === 0 ? '1' : null,
})

const open = (): Promise<SinkUnderTest> =>
  SinkUnderTest.create({ prefix: uniqueName('sink'), environment: stackEnvironment() })

const send = async (sink: SinkUnderTest, table: string, value: Buffer | null): Promise<void> => {
  await sink.producer.send({ topic: sink.topic(table), partition: 0, key: KEY, value })
}

const sendPoints = async (sink: SinkUnderTest, from: number, count: number): Promise<void> => {
  const topic = sink.topic('metrics')
  await sink.producer.prepare([topic])
  for (let index = from; index < from + count; index += 1) {
    if (!sink.producer.hasRoom) await sink.producer.room()
    const record = {
      topic,
      partition: index % 2,
      key: KEY,
      value: sink.encode('metrics', point(index)),
    }
    void sink.producer.append(record)
  }
  await sink.producer.flush()
}

describe('what stands in the tables', () => {
  let sink: SinkUnderTest
  beforeAll(async () => {
    sink = await open()
    sink.start()
  })
  afterAll(() => sink.close())

  it('is what was published, numbers that JSON cannot write included', async () => {
    const common = { ...SERIES, series: ID, timestamp: AT_MS }
    const band = { expected: 1.5, lower: 1, upper: 2 }
    const judge = { detector: 'zscore', detectorVersion: 3 }
    await send(sink, 'metrics', sink.encode('metrics', { ...point(0), value: NaN }))
    await send(sink, 'metrics', sink.encode('metrics', { ...point(1), value: -Infinity }))
    await send(sink, 'metrics', sink.encode('metrics', { ...point(2), value: -0.1 }))
    await send(
      sink,
      'rollups_1m',
      sink.encode('rollups_1m', {
        ...common,
        windowStart: AT_MS,
        windowEnd: AT_MS + 60_000,
        count: 2 ** 40,
        sum: 5,
        min: 1,
        max: 4,
        mean: 2.5,
        sketch: Buffer.from([0, 255, 1]),
      }),
    )
    const samples = { spread: 0.5, samples: 7 }
    await send(
      sink,
      'baselines',
      sink.encode('baselines', { ...common, ...band, ...samples, ...judge }),
    )
    const evidence = [
      { name: 'mean', value: 1.5, unit: null, detail: 'of 7 samples' },
      { name: 'limit', value: 4, unit: '1', detail: null },
    ]
    await send(
      sink,
      'anomalies',
      sink.encode('anomalies', {
        ...common,
        ...band,
        ...judge,
        id: 'a'.repeat(32),
        revision: 1,
        phase: 'open',
        service: null,
        kind: 'metric',
        start: AT_MS,
        peak: AT_MS,
        end: null,
        value: 9,
        peakValue: 9,
        score: 15,
        severity: 'critical',
        configVersion: 0,
        configHash: 'h',
        evidence,
        message: 'cpu is 9, expected 1 to 2',
      }),
    )
    for (const { table } of sink.tables) await sink.untilComplete(table)

    const stored = { tenant: 'default', series: ID, name: 'cpu', labels: SERIES.labels }
    const metrics = await sink.rows('SELECT * FROM metrics ORDER BY timestamp')
    expect(metrics).toMatchObject([
      { ...stored, timestamp: AT_TEXT, value: 'nan', unit: '1', _partition: 0, _offset: 0 },
      { ...stored, value: '-inf', unit: null, _offset: 1 },
      { ...stored, value: -0.1, unit: '1', _offset: 2 },
    ])
    expect(
      await sink.rows('SELECT * EXCEPT sketch, hex(sketch) AS sketch FROM rollups_1m'),
    ).toMatchObject([
      { ...stored, window_start: AT_TEXT, count: 2 ** 40, sum: 5, mean: 2.5, sketch: '00FF01' },
    ])
    expect(await sink.rows('SELECT * FROM baselines')).toMatchObject([
      {
        ...stored,
        ...band,
        ...samples,
        timestamp: AT_TEXT,
        detector: 'zscore',
        detector_version: 3,
      },
    ])
    expect(await sink.rows('SELECT * FROM anomalies_latest')).toMatchObject([
      { ...stored, ...band, phase: 'open', service: null, start: AT_TEXT, end: null, evidence },
    ])
    expect(
      await sink.rows(
        'SELECT series, sum(points) AS points, min(first_seen) AS first, max(last_seen) AS last FROM series GROUP BY series',
      ),
    ).toEqual([{ series: ID, points: 3, first: AT_TEXT, last: '2026-01-02 03:04:05.680' }])
  })

  it('leaves out what has no row, which is a dead letter with reason and origin', async () => {
    const garbage = Buffer.from('not avro')
    const unknownSchema = Buffer.from([0, 0x7f, 0, 0, 1, 2, 3])
    const cut = sink.encode('metrics', point(5)).subarray(0, 14)
    const far = sink.encode('metrics', { ...point(6), timestamp: Date.UTC(2500, 0, 1) })
    const nameless = sink.encode('metrics', { ...point(7), name: '' })
    for (const value of [garbage, unknownSchema, cut, far, nameless, null])
      await send(sink, 'metrics', value)
    await send(sink, 'metrics', sink.encode('metrics', point(8)))
    const verdict = await sink.untilComplete('metrics')
    expect(verdict.partitions[0]).toMatchObject({
      deadLetters: 6,
      rows: 4,
      doubled: 0,
      unexpected: 0,
    })
    expect(verdict.ok).toBe(true)
  })
})

it('a sink killed at any moment, again and again, loses and doubles nothing', async () => {
  const sink = await open()
  try {
    let sent = 0
    for (let round = 0; round < 4; round += 1) {
      const child = sink.start()
      const killed = delay(200 + 900 * Math.random()).then(() => stop(child, 'SIGKILL'))
      await sendPoints(sink, sent, 30_000)
      sent += 30_000
      await killed
    }
    sink.start()
    await sendPoints(sink, sent, 1_000)
    const verdict = await sink.untilComplete('metrics')
    expect(verdict.ok).toBe(true)
    const [totals] = await sink.rows<{ points: number }>('SELECT sum(points) AS points FROM series')
    expect(totals?.points).toBe(sent + 1_000)
  } finally {
    await sink.close()
  }
}, 180_000)

it('two sinks share the partitions, and one that stops gracefully hands over at once', async () => {
  const sink = await open()
  try {
    const first = sink.start()
    await sendPoints(sink, 0, 1_000)
    await sink.untilComplete('metrics')
    const second = sink.start()
    const owners = () =>
      sink.rows<{ owner: string }>(
        "SELECT DISTINCT owner FROM sink_blocks WHERE topic LIKE '%telemetry.metrics'",
      )
    let sent = 1_000
    await sink.until(
      async () => {
        await sendPoints(sink, sent, 10)
        sent += 10
        return owners()
      },
      (found) => found.length === 2,
    )
    expect(await stop(first)).toBe(0)
    await sendPoints(sink, sent, 1_000)
    expect((await sink.untilComplete('metrics')).ok).toBe(true)
    expect(await stop(second)).toBe(0)
  } finally {
    await sink.close()
  }
}, 120_000)

describe('offsets that are gone', () => {
  const gaps = (sink: SinkUnderTest) =>
    sink.rows(
      'SELECT kind, partition, from_offset, to_offset FROM sink_gaps FINAL ORDER BY kind, partition, from_offset',
    )

  it('are a row in sink_gaps: deleted by retention, or with their topic', async () => {
    const sink = await open()
    try {
      const first = sink.start()
      await sendPoints(sink, 0, 20)
      await sink.untilComplete('metrics')
      await stop(first)

      await sendPoints(sink, 20, 40)
      await deleteRecords(sink.cluster, {
        topic: sink.topic('metrics'),
        partition: 0,
        beforeOffset: 25,
      })
      const second = sink.start()
      await sink.untilComplete('metrics')
      const retention = { kind: 'retention', partition: 0, from_offset: 10, to_offset: 24 }
      expect(await gaps(sink)).toEqual([retention])

      // While the sink runs: its position means nothing in the new topic of the same name.
      const topic = sink.topic('metrics')
      await new KafkaAdmin(sink.cluster).deleteTopics([topic])
      await sink.createTopics(2)
      sink.cluster.forgetTopic(topic)
      await sendPoints(sink, 100, 200)
      const verdict = await sink.untilComplete('metrics')
      expect(verdict.partitions.map(({ rows }) => rows)).toEqual([100, 100])
      const recreated = { kind: 'topic-recreated', from_offset: 30, to_offset: null }
      expect(await gaps(sink)).toEqual([
        retention,
        { ...recreated, partition: 0 },
        { ...recreated, partition: 1 },
      ])
      expect(await stop(second)).toBe(0)
    } finally {
      await sink.close()
    }
  }, 120_000)
})
