import process from 'node:process'
import { openClickHouse } from '../../shared/clickhouse.ts'
import { EXIT, usageError } from '../../shared/errors.ts'
import { sinkTables, type SinkTable } from '../../sink/tables.ts'
import { verifyTopic, type PartitionVerdict, type TopicVerdict } from '../../sink/verify.ts'
import { setExitCode } from '../exit-code.ts'
import { withKafka } from '../kafka-session.ts'

export interface SinkVerifyOptions {
  readonly topic?: string
  /** Seconds. */
  readonly wait: number
  readonly json?: boolean
}

const REQUEST_TIMEOUT_MS = 60_000

export const runSinkVerify = async (options: SinkVerifyOptions): Promise<void> => {
  const { topic, wait, json = false } = options
  const tables = topic === undefined ? sinkTables : [tableOf(topic)]
  await withKafka(async ({ config, cluster }) => {
    const client = openClickHouse(config, {
      application: 'millrace-sink-verify',
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
    })
    try {
      const topics: TopicVerdict[] = []
      for (const table of tables) {
        topics.push(await verifyTopic({ cluster, client, table, waitMs: wait * 1000 }))
      }
      const ok = topics.every((each) => each.ok)
      process.stdout.write(
        json ? `${JSON.stringify({ ok, topics })}\n` : topics.map(textOf).join(''),
      )
      if (!ok) setExitCode(EXIT.negative)
    } finally {
      await client.close()
    }
  })
}

const tableOf = (name: string): SinkTable => {
  const table = sinkTables.find(({ topic }) => topic.name === name)
  if (table !== undefined) return table
  const known = sinkTables.map(({ topic }) => topic.name).join(', ')
  throw usageError(`Topic '${name}' does not go to ClickHouse; those that do are ${known}.`)
}

const textOf = ({ topic, ok, partitions }: TopicVerdict): string => {
  const sum = (of: (partition: PartitionVerdict) => number): number =>
    partitions.reduce((total, partition) => total + of(partition), 0)
  const counts = [
    `${sum((each) => each.records)} records`,
    `${sum((each) => each.rows)} rows`,
    `${sum((each) => each.deadLetters)} dead letters`,
  ].join(', ')
  const head = `${topic}: ${ok ? 'complete, each once' : 'NOT complete and unique'} (${counts})\n`
  return head + partitions.flatMap(faultsOf).join('')
}

const faultsOf = (verdict: PartitionVerdict): string[] => {
  const { partition, missing, missingOffsets, doubled, unexpected } = verdict
  const where = missingOffsets.map(({ first, last }) =>
    first === last ? String(first) : `${first}-${last}`,
  )
  return [
    ...(missing === 0 ? [] : [`${missing} records have no row: offsets ${where.join(', ')}`]),
    ...(doubled === 0 ? [] : [`${doubled} rows share their offset with another one`]),
    ...(unexpected === 0 ? [] : [`${unexpected} rows have no record`]),
  ].map((fault) => `  partition ${partition}: ${fault}\n`)
}
