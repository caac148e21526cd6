/**
 * Nanoseconds per record: two fields read in place, all scalar fields, a full decode.
 *
 *   node ops/bench/avro-decode.ts [--json]
 */
import { readFileSync } from 'node:fs'
import { compileFieldReader } from '../../pipelines/runtime/avro/field-reader.ts'
import { createRecordDecoder, RecordEncoder } from '../../pipelines/runtime/avro/record-codec.ts'
import type { AvroSchema } from '../../schemas/topic.ts'

const RECORDS = 20_000 // 1.9 MB, a typical fetch
const ROUNDS = 60
const RUNS = 5

const schemaFile = new URL('../../schemas/telemetry.metrics.avsc', import.meta.url)
const schema = JSON.parse(readFileSync(schemaFile, 'utf8')) as AvroSchema

interface MetricPoint {
  readonly timestamp: number
  readonly value: number
  readonly tenant: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly unit: string | null
}

const encoder = new RecordEncoder<MetricPoint>({ schema, schemaId: 7 })
const ends = new Int32Array(RECORDS + 1)
const chunks: Buffer[] = []
for (let i = 0; i < RECORDS; i++) {
  const bytes = encoder.encode({
    timestamp: 1_760_000_000_000 + 5 * i,
    value: 40 + Math.sin(i),
    tenant: 'default',
    name: `service_requests_${i % 20}`,
    labels: { host: `web-${i % 100}`, region: 'eu-central-1', service: 'checkout' },
    unit: 'ms',
  })
  chunks.push(Buffer.from(bytes))
  ends[i + 1] = ends[i]! + bytes.length
}
const buffer = Buffer.concat(chunks)

/** Median over the runs of ns per record; `pass` walks the whole buffer once. */
const measure = (pass: () => number): number => {
  const times: number[] = []
  let checksum = 0
  for (let run = 0; run <= RUNS; run++) {
    const begin = process.hrtime.bigint()
    for (let round = 0; round < ROUNDS; round++) checksum += pass()
    const spent = Number(process.hrtime.bigint() - begin)
    if (run > 0) times.push(spent / ROUNDS / RECORDS) // The first run warms up.
  }
  if (Number.isNaN(checksum)) throw new Error('a record was not read')
  return times.sort((a, b) => a - b)[RUNS >> 1]!
}

const sum = (read: (start: number, end: number) => number) => () => {
  let total = 0
  for (let i = 0; i < RECORDS; i++) total += read(ends[i]! + 5, ends[i + 1]!)
  return total
}

const schemas = { writerSchema: schema, readerSchema: schema }
const two = compileFieldReader<MetricPoint, 'timestamp' | 'value'>({
  ...schemas,
  fields: ['timestamp', 'value'],
})
const twoTarget = two.createTarget()
const scalars = compileFieldReader<MetricPoint, 'timestamp' | 'value' | 'tenant' | 'name' | 'unit'>(
  {
    ...schemas,
    fields: ['timestamp', 'value', 'tenant', 'name', 'unit'],
  },
)
const scalarTarget = scalars.createTarget()
const full = createRecordDecoder<MetricPoint>(schemas)

const results = {
  recordBytes: Math.round(buffer.length / RECORDS),
  'timestamp and value': measure(
    sum((start, end) => {
      two.read(buffer, start, end, twoTarget)
      return twoTarget.value + twoTarget.timestamp
    }),
  ),
  'all but labels': measure(
    sum((start, end) => {
      scalars.read(buffer, start, end, scalarTarget)
      return scalarTarget.value + scalarTarget.name.length
    }),
  ),
  check: measure(sum((start, end) => full.check(buffer, start, end))),
  'full decode': measure(sum((start, end) => full.decode(buffer, start, end).value)),
}

if (process.argv.includes('--json')) {
  process.stdout.write(`${JSON.stringify(results)}\n`)
} else {
  for (const [name, ns] of Object.entries(results)) {
    process.stdout.write(`${name.padEnd(22)} ${ns.toFixed(1).padStart(8)}\n`)
  }
}
