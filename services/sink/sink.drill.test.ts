/** What takes a while to go wrong: a server that dies and stays away, and sinks that sleep. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { stackEnvironment, uniqueName } from '../../ops/test/stack.ts'
import { seriesKey } from '../../schemas/series-key.ts'
import { startOwnClickHouse } from './testing/own-clickhouse.ts'
import { SinkUnderTest, stop } from './testing/sink-under-test.ts'

const SERIES = { tenant: 'default', name: 'cpu', labels: { host: 'a' } }
const KEY = Buffer.from(seriesKey(SERIES))
const PER_SECOND = 5_000
const TICK_MS = 50

/** Publishes at a steady rate until told to stop; returns how many. */
const publishing = (sink: SinkUnderTest) => {
  const stopping = new AbortController()
  const run = async (): Promise<number> => {
    const topic = sink.topic('metrics')
    await sink.producer.prepare([topic])
    let sent = 0
    while (!stopping.signal.aborted) {
      for (let index = 0; index < (PER_SECOND * TICK_MS) / 1_000; index += 1) {
        const value = sink.encode('metrics', {
          ...SERIES,
          timestamp: sent,
          value: sent,
          unit: null,
        })
        void sink.producer.append({ topic, partition: sent % 2, key: KEY, value })
        sent += 1
      }
      await delay(TICK_MS)
    }
    await sink.producer.flush()
    return sent
  }
  const done = run()
  return {
    finish: () => {
      stopping.abort()
      return done
    },
  }
}

it('ClickHouse killed and put to sleep under load only delays', async () => {
  const clickhouse = await startOwnClickHouse()
  const environment = { ...stackEnvironment(), ...clickhouse.environment }
  const sink = await SinkUnderTest.create({ prefix: uniqueName('drill'), environment })
  try {
    sink.start()
    const stream = publishing(sink)
    const seen = () => sink.rows<{ rows: number }>('SELECT count() AS rows FROM metrics')
    await sink.until(seen, ([found]) => (found?.rows ?? 0) > 0)
    for (let round = 0; round < 5; round += 1) {
      await delay(1_000 + 1_500 * Math.random())
      const pid = clickhouse.pid()
      if (pid === undefined) continue // still starting after the last kill
      process.kill(pid, 'SIGKILL')
      await sink.until(
        () => sink.rows('SELECT 1'),
        () => true,
      )
    }
    const pid = clickhouse.pid()
    if (pid !== undefined) {
      process.kill(pid, 'SIGSTOP')
      await delay(20_000)
      process.kill(pid, 'SIGCONT')
    }
    const sent = await stream.finish()
    const verdict = await sink.untilComplete('metrics')
    expect(verdict.ok).toBe(true)
    expect(verdict.partitions.reduce((sum, { rows }) => sum + rows, 0)).toBe(sent)
  } finally {
    await sink.close()
    await clickhouse.stop()
  }
})

it('a sink that sleeps past its session and wakes up doubles nothing', async () => {
  const sink = await SinkUnderTest.create({
    prefix: uniqueName('drill'),
    environment: stackEnvironment(),
  })
  try {
    const sinks = [sink.start(), sink.start()]
    const stream = publishing(sink)
    await sink.until(
      () => sink.rows<{ rows: number }>('SELECT count() AS rows FROM metrics'),
      ([found]) => (found?.rows ?? 0) > 0,
    )
    // Session 6 s: the other one takes over while one sleeps, in whatever step it was.
    for (const sleeper of [...sinks, ...sinks]) {
      sleeper.kill('SIGSTOP')
      await delay(9_000)
      sleeper.kill('SIGCONT')
      await delay(1_000 * Math.random())
    }
    const sent = await stream.finish()
    const verdict = await sink.untilComplete('metrics')
    expect(verdict.ok).toBe(true)
    expect(verdict.partitions.reduce((sum, { rows }) => sum + rows, 0)).toBe(sent)
    const [totals] = await sink.rows<{ points: number }>('SELECT sum(points) AS points FROM series')
    expect(totals?.points).toBe(sent)
    for (const each of sinks) expect(await stop(each)).toBe(0)
  } finally {
    await sink.close()
  }
})
