/**
 * CPU time per sample of remote_write, from the unpacked body to a record: by the decoder of
 * protobufjs, checked and encoded for each sample, and by ours, whose series are known from before.
 *
 *   node ops/bench/remote-write-decode.ts
 */
import protobuf from 'protobufjs'
import { RemoteWriteDecoder } from '../../pipelines/intake/prometheus/remote-write.ts'
import { SeriesCache } from '../../pipelines/intake/prometheus/series-cache.ts'
import { RecordEncoder } from '../../pipelines/runtime/avro/index.ts'
import { RecordBatchBuilder, murmur2, toPartition } from '../../pipelines/runtime/record/index.ts'
import { metricPointSchema, type MetricPoint } from '../../schemas/generated/telemetry-metrics.ts'
import { seriesKey } from '../../schemas/series-key.ts'
import { labelsOf, RemoteWriteBatch } from './remote-write-batch.ts'

const SERIES = 20_000
const BATCH = 500
const ROUNDS = 30
const RUNS = 5
const NOW_MS = 1_795_300_000_000

const encoder = new RecordEncoder<MetricPoint>({ schema: metricPointSchema, schemaId: 7 })
const builder = new RecordBatchBuilder(1 << 20)

const batchesOf = (version: '1.0' | '2.0'): Buffer[] =>
  Array.from({ length: SERIES / BATCH }, (_, batch) => {
    const all = Array.from({ length: BATCH }, (_, index) => labelsOf(batch * BATCH + index))
    return new RemoteWriteBatch(all, version).at(NOW_MS, batch)
  })

interface Label {
  readonly name: string
  readonly value: string
}
interface WriteRequest {
  readonly timeseries: readonly {
    readonly labels: readonly Label[]
    readonly samples: readonly {
      readonly value: number
      readonly timestamp: { toNumber(): number }
    }[]
  }[]
}

const usualType = protobuf
  .parse(
    `syntax = "proto3";
    message WriteRequest { repeated TimeSeries timeseries = 1; }
    message TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; }
    message Label { string name = 1; string value = 2; }
    message Sample { double value = 1; int64 timestamp = 2; }`,
  )
  .root.lookupType('WriteRequest')

const usual = (body: Buffer): number => {
  const { timeseries } = usualType.decode(body) as unknown as WriteRequest
  for (const { labels, samples } of timeseries) {
    const name = labels.find((label) => label.name === '__name__')?.value ?? ''
    const others = labels.filter((label) => label.name !== '__name__')
    const identity = {
      ...{ tenant: 'default', name },
      labels: Object.fromEntries(others.map((label) => [label.name, label.value])),
    }
    const key = Buffer.from(seriesKey(identity))
    toPartition(murmur2(key), 4)
    for (const { value, timestamp } of samples) {
      const point = { ...identity, timestamp: Number(timestamp), value, unit: null }
      builder.appendRecord(key, encoder.encode({ ...point, kind: 'unspecified' }))
    }
  }
  return timeseries.length
}

const cache = new SeriesCache({
  ...{ format: { encoder, partitions: 4 }, limitBytes: 128e6 },
  admitSeries: () => undefined,
})
const decoder = new RemoteWriteDecoder(cache)
const ours = (version: '1.0' | '2.0', append: boolean) => (body: Buffer) => {
  const request = { tenant: 'default', version, body, receivedAtMs: NOW_MS }
  const { count, series, timestampsMs, values } = decoder.decode(request)
  for (let index = 0; append && index < count; index++) {
    const each = series[index]!
    builder.appendRecord(each.key, each.valueOf(timestampsMs[index]!, values[index]!))
  }
  return count
}

/** Median over the runs, in ns. */
const measure = (bodies: readonly Buffer[], work: (body: Buffer) => number): number => {
  const times: number[] = []
  for (let run = 0; run <= RUNS; run++) {
    const before = process.cpuUsage()
    let samples = 0
    for (let round = 0; round < ROUNDS; round++) {
      for (const body of bodies) {
        samples += work(body)
        builder.reset()
      }
    }
    const { user, system } = process.cpuUsage(before)
    if (run > 0) times.push(((user + system) * 1_000) / samples)
  }
  return times.sort((a, b) => a - b)[RUNS >> 1]!
}

const [first, second] = [batchesOf('1.0'), batchesOf('2.0')]
const rows = [
  ['1.0, protobufjs', measure(first, usual)],
  ['1.0, to points', measure(first, ours('1.0', false))],
  ['1.0, to records', measure(first, ours('1.0', true))],
  ['2.0, to points', measure(second, ours('2.0', false))],
  ['2.0, to records', measure(second, ours('2.0', true))],
] as const
for (const [what, ns] of rows) {
  process.stdout.write(`${what.padEnd(20)} ${ns.toFixed(0).padStart(6)} ns a sample\n`)
}
