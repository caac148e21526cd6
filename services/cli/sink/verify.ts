import process from 'node:process'
import { ClickHouseError } from '@clickhouse/client'
import { openClickHouse } from '../../shared/clickhouse.ts'
import type { Config } from '../../shared/config.ts'
import { EXIT, messageOf, usageError } from '../../shared/errors.ts'
import { SinkError } from '../../sink/errors.ts'
import { sinkTables, type SinkTable } from '../../sink/tables.ts'
import { verifyTopic, type PartitionVerdict, type TopicVerdict } from '../../sink/verify.ts'
import { CliError } from '../cli-error.ts'
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
    } catch (error) {
      throw inOurWords(error, config.clickhouse)
    } finally {
      await client.close()
    }
  })
}

/** The last one: whoever may log in without a password may see nothing. */
const LOGIN_FAULTS = new Set([
  'AUTHENTICATION_FAILED',
  'REQUIRED_PASSWORD',
  'UNKNOWN_USER',
  'ACCESS_DENIED',
])

/** The sink would say that rows wait in Kafka; here somebody sits before a terminal. */
const inOurWords = (error: unknown, { url, username }: Config['clickhouse']): unknown => {
  if (!(error instanceof SinkError)) return error
  const { cause } = error
  if (cause instanceof ClickHouseError && LOGIN_FAULTS.has(cause.type ?? '')) {
    return new CliError(
      `ClickHouse at ${url} refuses user '${username}': ${messageOf(cause).split('. ', 1)[0]}. Correct CLICKHOUSE_USERNAME and CLICKHOUSE_PASSWORD (or CLICKHOUSE_PASSWORD_FILE); with all of CLICKHOUSE_* unset, --data DIR takes the login of a local stack.`,
      EXIT.usage,
      { cause: error },
    )
  }
  if (error.code !== 'SINK_STORE_UNAVAILABLE') return error
  return new CliError(
    `ClickHouse at ${url} does not answer: ${messageOf(cause)}. Check that it runs, and CLICKHOUSE_URL.`,
    EXIT.unreachable,
    { cause: error },
  )
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
