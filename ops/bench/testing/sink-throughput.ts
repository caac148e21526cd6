/**
 * How fast one sink process moves points of telemetry.metrics into ClickHouse, by itself.
 *
 *   node ops/test/stack-keeper.ts local          # in another terminal; its exports into this one
 *   node ops/bench/testing/sink-throughput.ts [--records 2000000] [--series 2000] [--partitions 4] [--cpu-prof DIR]
 *
 * The points are in Kafka before the sink starts. The rate counts from the first block claimed to the
 * last, without the rows of the last; CPU and memory are the sink process's own, from its
 * start. ClickHouse and Kafka run on the same machine and take more of it than the sink does: CPU
 * seconds per million rows are what compares between machines and between loads.
 *
 * It starts the sink as the sink's tests do, so it lies where only tests import from.
 */
import { parseArgs } from 'node:util'
import { seriesKey } from '../../../schemas/series-key.ts'
import { SinkUnderTest, stop } from '../../../services/sink/testing/sink-under-test.ts'
import { cpuSecondsOf, residentBytesOf } from '../process-figures.ts'
import { progressOnStandardError } from '../progress.ts'
import { workloadPoints } from '../workload.ts'

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '2000000' },
    series: { type: 'string', default: '2000' },
    partitions: { type: 'string', default: '4' },
    'cpu-prof': { type: 'string' },
  },
})
const records = Number(values.records)
const series = Number(values.series)
const partitions = Number(values.partitions)
const PATIENCE_MS = 300_000
const progress = progressOnStandardError()

const environment = Object.fromEntries(
  Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
)
const prefix = `sink-bench-${String(process.pid)}`
const sink = await SinkUnderTest.create({ prefix, environment, partitions })
try {
  progress(`writing ${String(records)} points`)
  const topic = sink.topic('metrics')
  await sink.producer.prepare([topic])
  for (const point of workloadPoints({ records, series })) {
    while (!sink.producer.hasRoom) await sink.producer.room()
    const key = Buffer.from(seriesKey(point))
    void sink.producer.append({ topic, key, value: sink.encode('metrics', point) })
  }
  await sink.producer.flush()
  progress('starting the sink')
  const profile = values['cpu-prof']
  const child = sink.start(
    profile === undefined
      ? []
      : ['--cpu-prof', '--cpu-prof-interval', '500', '--cpu-prof-dir', profile],
  )
  const blocks = () =>
    sink.rows<{ rows: string; before_last: string; seconds: number }>(
      `WITH (SELECT max(_ingested_at) FROM metrics) AS last
       SELECT count() AS rows, countIf(_ingested_at < last) AS before_last,
              dateDiff('millisecond', min(_ingested_at), last) / 1000 AS seconds
       FROM metrics`,
    )
  const isDone = (found: readonly { rows: string }[]) => Number(found[0]?.rows) === records
  const [done] = await sink.until(blocks, isDone, PATIENCE_MS)
  const pid = child.pid ?? 0
  const cpuSeconds = cpuSecondsOf(pid)
  const { peakBytes } = residentBytesOf(pid)
  const seconds = done?.seconds ?? Number.NaN
  await stop(child)
  const figures = {
    records,
    series,
    partitions,
    rows_per_second: Math.round(Number(done?.before_last) / seconds),
    cpu_seconds_per_million_rows: Number(((cpuSeconds / records) * 1e6).toFixed(2)),
    peak_rss_mib: Math.round(peakBytes / 1024 ** 2),
  }
  process.stdout.write(`${JSON.stringify(figures)}\n`)
} finally {
  await sink.close()
}
