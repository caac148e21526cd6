import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stackEnvironment, uniqueName } from '../../ops/test/stack.ts'
import type { KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import type { Tick } from '../../schemas/generated/control-ticks.ts'
import type { MetricPoint } from '../../schemas/generated/telemetry-metrics.ts'
import { allTopics, controlTicks, telemetryMetrics } from '../../schemas/topics.ts'
import { readConfig } from '../shared/config.ts'
import { kafkaCluster } from '../shared/kafka.ts'
import { applyTopics } from '../topics/apply.ts'
import { topicServers } from '../topics/servers.ts'
import { wantedFromCatalogue } from '../topics/wanted-topic.ts'
import { main, millrace, stored, type Stored } from './testing/replayed.ts'

const config = readConfig(stackEnvironment())
const folder = mkdtempSync(join(tmpdir(), 'millrace-replay-test-'))
let cluster: KafkaCluster

beforeAll(async () => {
  cluster = kafkaCluster(config)
  const wanted = wantedFromCatalogue(allTopics, config.partitions)
  const { refusals } = await applyTopics(wanted, topicServers(config, cluster))
  expect(refusals).toEqual([])
})
afterAll(async () => {
  await cluster.close()
  rmSync(folder, { recursive: true })
})

const pointsOf = (tenant: string) => stored<MetricPoint>(cluster, telemetryMetrics, tenant)
const ticksOf = (tenant: string) => stored<Tick>(cluster, controlTicks, tenant)

const expectInEventTime = (points: readonly Stored<MetricPoint>[]): void => {
  const last = new Map<number, number>()
  for (const { value, partition } of points) {
    expect(value.timestamp).toBeGreaterThanOrEqual(last.get(partition) ?? 0)
    last.set(partition, value.timestamp)
  }
}

/** No point that was appended after a tick lies before it; and every partition has every tick. */
const expectTicksBehind = (
  ticks: readonly Stored<Tick>[],
  points: readonly Stored<MetricPoint>[],
): void => {
  for (const { value: tick, appendedMs } of ticks) {
    const overtaken = points.filter(
      (point) => point.appendedMs > appendedMs && point.value.timestamp < tick.timestamp,
    )
    expect(overtaken).toEqual([])
  }
  const times = (partition: number) =>
    ticks.filter((tick) => tick.partition === partition).map(({ value }) => value.timestamp)
  expect(times(0).length).toBeGreaterThan(0)
  for (let partition = 1; partition < config.partitions; partition++) {
    expect(times(partition)).toEqual(times(0))
  }
}

const write = (name: string, lines: readonly string[]): string => {
  const path = join(folder, name)
  writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}

describe('millrace replay metrics', () => {
  it('publishes files merged by event time, ticks behind, and tells of bad rows', async () => {
    const start = Date.UTC(2020, 0, 1)
    const at = (seconds: number) => new Date(start + seconds * 1000).toISOString()
    const steps = Array.from({ length: 2_500 }, (_, i) => i)
    const cpu = write('cpu.csv', [
      'timestamp,value,host',
      ...steps.map((i) => `${at(i * 5)},${String(i)},${i % 2 === 0 ? 'a' : 'b'}`),
      'never,1,a',
      `${at(0)},NaN,a`,
    ])
    // Newest first, offset by two seconds: has to be sorted and interleaved.
    const load = write('load.csv', [
      'ts;load',
      ...steps.map((i) => `${String(start / 1000 + 2 + i * 5)};${String(i / 10)}`).reverse(),
    ])
    const name = uniqueName('files')
    const { code, stdout, stderr } = await millrace(
      ...['replay', 'metrics', cpu, load, '--name', name, '--json'],
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({
      read: 5_002,
      published: 5_000,
      skippedCount: 2,
      skipped: [
        { file: 'cpu.csv', line: 2_502, reason: "'never' is not a time since 1970" },
        { file: 'cpu.csv', line: 2_503, reason: "'NaN' is not a finite number" },
      ],
      tenant: `replay-${name}`,
      complete: true,
    })

    const points = await pointsOf(`replay-${name}`)
    expect(points).toHaveLength(5_000)
    expectInEventTime(points)
    const series = new Set(points.map(({ value }) => telemetryMetrics.keyOf(value)))
    expect([...series].map((key) => key.split('\u001f').slice(1)).sort()).toEqual([
      ['cpu', 'file=cpu.csv', 'host=a'],
      ['cpu', 'file=cpu.csv', 'host=b'],
      ['load', 'file=load.csv'],
    ])
    const sum = points.reduce((total, { value }) => total + value.value, 0)
    expect(sum).toBeCloseTo((2_499 * 2_500) / 2 + (2_499 * 2_500) / 20, 6)

    const ticks = await ticksOf(`replay-${name}`)
    expectTicksBehind(ticks, points)
    const times = ticks.filter(({ partition }) => partition === 0).map(({ value }) => value)
    // Data every five seconds: a tick every five seconds, without a hole.
    expect(times[0]).toMatchObject({ timestamp: start, origin: `replay-${name}` })
    times.slice(1).forEach(({ timestamp }, i) => {
      expect(timestamp).toBe(start + (i + 1) * 5_000)
    })
  })

  it('refuses a tenant whose clock is ahead, naming the clock', async () => {
    const name = uniqueName('again')
    const early = write('early.csv', ['timestamp,value', '2019-03-01 00:00:00,1'])
    const late = write('late.csv', ['timestamp,value', '2019-03-02 00:00:00,1'])
    const replay = (file: string) => millrace('replay', 'metrics', file, '--name', name, '--json')
    expect((await replay(early)).code).toBe(0)
    expect((await replay(late)).code).toBe(0)
    const refused = await replay(early)
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(/has already reached 2019-03-02T00:10:00\.000Z.*2019-03-01/)
    expect(await pointsOf(`replay-${name}`)).toHaveLength(2)
  })

  it('lets time pass as asked', async () => {
    const file = write('paced.csv', [
      'timestamp,value',
      ...[0, 1, 2, 3].map((i) => `2019-03-01 00:00:0${String(i)},1`),
    ])
    const name = uniqueName('paced')
    const { code, stdout } = await millrace(
      ...['replay', 'metrics', file, '--speed', '2x', '--name', name, '--json'],
    )
    expect(code).toBe(0)
    const { seconds } = JSON.parse(stdout) as { seconds: number }
    expect(seconds).toBeGreaterThanOrEqual(1.5)
    const points = await pointsOf(`replay-${name}`)
    const appended = points.map(({ appendedMs }) => appendedMs)
    expect(Math.max(...appended) - Math.min(...appended)).toBeGreaterThanOrEqual(1_000)
  })

  it.each([
    { title: 'no such file', args: ['none.csv'], code: 2 },
    { title: 'no such speed', args: ['--speed', 'fast', main], code: 2 },
    { title: 'a name that is no name', args: ['--name', 'a b', main], code: 2 },
    { title: 'no files', args: [], code: 2 },
  ])('answers $title with exit code $code', async ({ args, code }) => {
    expect(await millrace('replay', 'metrics', ...args)).toMatchObject({ code, stdout: '' })
  })

  it('answers a file without a single point with exit code 1 and the reasons', async () => {
    const file = write('empty.csv', ['timestamp,value', 'x,1'])
    const { code, stdout } = await millrace('replay', 'metrics', file, '--json')
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ read: 1, published: 0, skippedCount: 1 })
  })

  // The Numenta Anomaly Benchmark, https://github.com/numenta/NAB: 58 files of very different density.
  const nab = process.env['NAB_DATA'] ?? ''
  it.skipIf(!existsSync(nab))(
    'replays all of NAB as one history (NAB_DATA names its folder data/)',
    async () => {
      const name = uniqueName('nab')
      const { code, stdout } = await millrace('replay', 'metrics', nab, '--name', name, '--json')
      expect(code).toBe(0)
      const { read, published } = JSON.parse(stdout) as { read: number; published: number }
      expect(published).toBe(read)
      const points = await pointsOf(`replay-${name}`)
      expect(points).toHaveLength(published)
      expectInEventTime(points)
      expectTicksBehind(await ticksOf(`replay-${name}`), points)
    },
  )
})
