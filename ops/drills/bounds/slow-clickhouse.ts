/**
 * A sink whose ClickHouse is slow, and now and then hangs up, while points wait in Kafka: lag is
 * there to be seen, memory stays below the bound of docs/limits.md, and in the end all is in.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { seriesKey } from '../../../schemas/series-key.ts'
import { SinkUnderTest, stop } from '../../../services/sink/testing/sink-under-test.ts'
import type { TopicVerdict } from '../../../services/sink/verify.ts'
import { residentBytesOf } from '../../bench/process-figures.ts'
import { workloadPoints } from '../../bench/workload.ts'
import { TcpProxy } from '../../e2e/testing/tcp-proxy.ts'
import { uniqueName } from '../../test/stack.ts'

const SERIES = 2_000
/** 640 kB a second for each connection. */
const PIECE_DELAY_MS = 100
const LOOK_EVERY_MS = 1_000
const CATCH_UP_MS = 400_000
/** For four topics of four partitions, as docs/limits.md works it out. */
export const SINK_BOUND_MIB = 340

export interface SlowClickHouseOptions {
  readonly environment: Readonly<Record<string, string>>
  readonly records: number
  readonly partitions: number
  /** How long ClickHouse is slow; it hangs up once in each third of it. */
  readonly slowMs: number
}

export interface SlowClickHouseFigures {
  /** Rows that waited when ClickHouse became fast again, of so many that had been written. */
  readonly lagRecords: number
  readonly peakRssMib: number
  /** From then on, until all was in. */
  readonly caughtUpMs: number
  readonly verdict: TopicVerdict
}

export const drillSlowClickHouse = async (
  options: SlowClickHouseOptions,
): Promise<SlowClickHouseFigures> => {
  const { environment, records, partitions, slowMs } = options
  const clickhouse = new URL(environment['CLICKHOUSE_URL'] ?? '')
  const proxy = await TcpProxy.open({ host: clickhouse.hostname, port: Number(clickhouse.port) })
  clickhouse.host = `127.0.0.1:${proxy.port}`
  const sink = await SinkUnderTest.create({
    prefix: uniqueName('slow'),
    environment: { ...environment, CLICKHOUSE_URL: clickhouse.href },
    partitions,
  })
  try {
    await write(sink, records)
    const child = sink.start()
    // Migrations first, at full speed: it is the blocks that are to be slow.
    await sink.until(
      () => sink.rows('SELECT count() FROM metrics'),
      () => true,
    )
    proxy.slow({ pieceDelayMs: PIECE_DELAY_MS })
    const startedMs = performance.now()
    for (let breaks = 1; performance.now() - startedMs < slowMs;) {
      await sleep(LOOK_EVERY_MS)
      if (performance.now() - startedMs < (breaks * slowMs) / 3) continue
      proxy.breakOff()
      breaks += 1
    }
    const lagRecords = records - (await storedRows(sink))
    proxy.slow({ pieceDelayMs: 0 })
    const fastAgainMs = performance.now()
    await sink.until(
      () => storedRows(sink),
      (rows) => rows >= records,
      CATCH_UP_MS,
    )
    const caughtUpMs = Math.round(performance.now() - fastAgainMs)
    const verdict = await sink.untilComplete('metrics')
    const peakRssMib = Math.round(residentBytesOf(child.pid ?? 0).peakBytes / 1024 ** 2)
    await stop(child)
    return { lagRecords, peakRssMib, caughtUpMs, verdict }
  } finally {
    await sink.close()
    await proxy.cut()
  }
}

const write = async (sink: SinkUnderTest, records: number): Promise<void> => {
  const topic = sink.topic('metrics')
  const { producer } = sink
  await producer.prepare([topic])
  for (const point of workloadPoints({ records, series: SERIES })) {
    while (!producer.hasRoom) await producer.room()
    const key = Buffer.from(seriesKey(point))
    void producer.append({ topic, key, value: sink.encode('metrics', point) })
  }
  await producer.flush()
}

const storedRows = async (sink: SinkUnderTest): Promise<number> => {
  const [found] = await sink.rows<{ rows: string }>('SELECT count() AS rows FROM metrics')
  return Number(found?.rows)
}
