/** Reads what was committed, from the first record on, and compares: a reader of its own. */
import { createRecordDecoder, WIRE_HEADER_BYTES } from '../../../pipelines/runtime/avro/index.ts'
import { readToEnd, type KafkaCluster } from '../../../pipelines/runtime/kafka/index.ts'
import type { RecordSet } from '../../../pipelines/runtime/record/index.ts'
import type { MetricPoint } from '../../../schemas/generated/telemetry-metrics.ts'
import type { Rollup } from '../../../schemas/generated/signals-rollups.ts'
import { PARTITIONS, type Counting } from './pipeline.ts'

export interface Found {
  readonly counts: [string, string][]
  readonly windows: [string, string][]
  readonly deadLetters: string[]
  readonly late: string[]
}

const readAll = async (
  cluster: KafkaCluster,
  topic: string,
  onRecord: (record: RecordSet) => void,
): Promise<void> => {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    await readToEnd({
      cluster,
      topic,
      partition,
      until: 'last-stable',
      onRecords(records) {
        while (records.next()) onRecord(records)
      },
    })
  }
}

/** In the order of each series' partition: nothing is sorted away. */
export const readOutput = async (cluster: KafkaCluster, counting: Counting): Promise<Found> => {
  const found: Found = { counts: [], windows: [], deadLetters: [], late: [] }
  const { input, output, pipeline } = counting
  const rollups = createRecordDecoder<Rollup>({ writerSchema: output.schema })
  const points = createRecordDecoder<MetricPoint>({ writerSchema: input.schema })
  await readAll(cluster, output.name, ({ buffer, valueStart, valueEnd }) => {
    const rollup = rollups.decode(buffer, valueStart + WIRE_HEADER_BYTES, valueEnd)
    const { windowStart, windowEnd, count, sum, min, max, labels } = rollup
    const host = labels['host'] ?? ''
    if (windowEnd > 0) found.windows.push([`${host} ${windowStart}`, `${count} ${sum}`])
    else found.counts.push([`${host} ${count}`, `${windowStart} ${sum} ${min} ${max}`])
  })
  await readAll(cluster, `${pipeline.name}.dead-letter`, (record) => {
    found.deadLetters.push(record.key()?.toString() ?? '')
  })
  await readAll(cluster, `${pipeline.name}.late`, ({ buffer, valueStart, valueEnd }) => {
    const { labels, timestamp } = points.decode(buffer, valueStart + WIRE_HEADER_BYTES, valueEnd)
    found.late.push(`${labels['host']} ${timestamp}`)
  })
  return found
}
