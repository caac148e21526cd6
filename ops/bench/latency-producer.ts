/**
 * The steady producer of the latency benchmark, as a process of its own:
 *
 *   node latency-producer.ts WORKLOAD RATE SECONDS SERIES FILE
 *
 * Appends records at even pace and writes to FILE when each was appended: float64 milliseconds of
 * the wall clock, which all processes of the machine share.
 */
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { RecordEncoder } from '../../pipelines/runtime/avro/index.ts'
import { IdempotentProducer } from '../../pipelines/runtime/kafka/index.ts'
import { readConfig } from '../../services/shared/config.ts'
import { kafkaCluster } from '../../services/shared/kafka.ts'
import { registeredSchemaId, registryConnection } from '../../services/shared/registry.ts'
import { wallClockMs } from './process-figures.ts'
import { createWorkload, workloadPoints } from './workload.ts'

/** How often a few records are appended at once: 100 of them at 20,000 a second. */
const PACE_MS = 5

const produce = async (options: {
  readonly name: string
  readonly rate: number
  readonly seconds: number
  readonly series: number
}): Promise<Float64Array> => {
  const { name, rate, seconds, series } = options
  const config = readConfig()
  const cluster = kafkaCluster(config, { clientId: 'bench-producer' })
  const { input } = createWorkload({ name, decode: 'fields' })
  const schemaId = await registeredSchemaId(input, registryConnection(config.schemaRegistry))
  const encoder = new RecordEncoder({ schema: input.schema, schemaId })
  const producer = new IdempotentProducer({ cluster, name })
  await producer.prepare([input.name])
  const records = rate * seconds
  const appendedAtMs = new Float64Array(records)
  const points = workloadPoints({ records, series })
  const startedAtMs = performance.now()
  let done = 0
  for (const point of points) {
    const dueAtMs = startedAtMs + (done / rate) * 1_000
    while (performance.now() < dueAtMs) await sleep(PACE_MS)
    if (!producer.hasRoom) await producer.room()
    appendedAtMs[done] = wallClockMs()
    const key = Buffer.from(input.keyOf(point))
    void producer.append({ topic: input.name, key, value: encoder.encode(point) })
    done += 1
  }
  await producer.close()
  await cluster.close()
  return appendedAtMs
}

const [name, rate, seconds, series, file] = process.argv.slice(2)
if (name !== undefined && file !== undefined) {
  const numbers = { rate: Number(rate), seconds: Number(seconds), series: Number(series) }
  const appendedAtMs = await produce({ name, ...numbers })
  writeFileSync(file, new Uint8Array(appendedAtMs.buffer))
}
