/**
 * What people ask of a million log entries and a million spans reads few of them. Counted in rows
 * read, which do not depend on the machine; the parts are merged first, since their number does.
 */
import { readFileSync } from 'node:fs'
import { createClient, type ClickHouseClient } from '@clickhouse/client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { stackEnvironment, uniqueName } from '../../ops/test/stack.ts'
import { migrate } from './index.ts'

const environment = stackEnvironment()
const passwordFile = environment['CLICKHOUSE_PASSWORD_FILE']
const password = passwordFile
  ? readFileSync(passwordFile, 'utf8').trim()
  : (environment['CLICKHOUSE_PASSWORD'] ?? '')
const database = uniqueName('indexes').replaceAll('-', '_')
const server = {
  url: environment['CLICKHOUSE_URL'] ?? 'http://127.0.0.1:8123',
  username: environment['CLICKHOUSE_USERNAME'] ?? 'default',
  password,
}
let client: ClickHouseClient

const ROWS = 1_000_000
const BLOCK_ROWS = 100_000

/** Twelve a second over 23 hours, of 20 services with ten endpoints each; five make a trace. */
const common = `
  'default' AS tenant,
  concat('service-', toString(number % 20)) AS service,
  lower(hex(MD5(toString(intDiv(number, 5))))) AS trace_id,
  map('request', toString(cityHash64(number, 1))) AS attributes`
const columnsOf = {
  logs: `tenant, service, trace_id, labels, timestamp, level, message, _offset, _ingested_at`,
  spans: `tenant, service, trace_id, attributes, start, endpoint, span_id, duration_us, status, status_code, _offset, _ingested_at`,
}
const rowsOf = {
  logs: `${common},
    toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + intDiv(number, 12) AS timestamp,
    if(number % 50021 = 7, 'error', 'info') AS level,
    concat('GET /orders/', toString(cityHash64(number, 2) % 100000), ' took ',
           toString(cityHash64(number, 3) % 5000), ' ms on host-', toString(number % 37),
           if(number % 250007 = 9, '. Connection REFUSED', '')) AS message`,
  spans: `${common},
    toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + intDiv(number, 12) AS start,
    concat('/route/', toString(intDiv(number, 20) % 10)) AS endpoint,
    lower(hex(sipHash64(number))) AS span_id,
    if(number % 100003 = 5, 9000000, 1000 + cityHash64(number) % 50000) AS duration_us,
    if(number % 100003 = 5, 'error', 'unset') AS status,
    if(number % 100003 = 5, 500, 200) AS status_code`,
}

beforeAll(async () => {
  await migrate({ target: { ...server, database } })
  client = createClient({ ...server, database, request_timeout: 60_000 })
  for (const table of ['logs', 'spans'] as const) {
    for (let first = 0; first < ROWS; first += BLOCK_ROWS) {
      await client.command({
        query: `INSERT INTO ${table} (${columnsOf[table]})
                SELECT ${rowsOf[table]}, number, now64(3)
                FROM numbers(${String(first)}, ${String(BLOCK_ROWS)}) SETTINGS max_threads = 1`,
      })
    }
    await client.command({ query: `OPTIMIZE TABLE ${table} FINAL` })
  }
  await client.command({ query: 'OPTIMIZE TABLE traces FINAL' })
}, 180_000)
afterAll(async () => {
  await client.command({ query: `DROP DATABASE IF EXISTS ${database}` })
  await client.close()
})

const tenMinutes = (column: string) =>
  `${column} >= '2026-01-01 10:00:00' AND ${column} < '2026-01-01 10:10:00'`
const trace = `trace_id = lower(hex(MD5('777')))`
const request = `toString(cityHash64(777, 1))`

/** A granule has 8,192 rows; false positives of a bloom filter cost one each. */
const questions: readonly {
  readonly title: string
  readonly from: string
  readonly where: string
  readonly found: number
  readonly atMost: number
  readonly index: string
}[] = [
  {
    title: 'entries of a service in ten minutes',
    from: 'logs',
    where: `service = 'service-3' AND ${tenMinutes('timestamp')}`,
    found: 360,
    atMost: 17_000,
    index: 'PrimaryKey',
  },
  {
    title: 'entries of all services in ten minutes',
    from: 'logs',
    where: tenMinutes('timestamp'),
    found: 7_200,
    atMost: 350_000,
    index: 'by_timestamp',
  },
  {
    title: 'entries of a trace',
    from: 'logs',
    where: trace,
    found: 5,
    atMost: 60_000,
    index: 'by_trace',
  },
  {
    title: 'errors',
    from: 'logs',
    where: `level = 'error'`,
    found: 20,
    atMost: 170_000,
    index: 'by_level',
  },
  {
    title: 'entries with a word, in any case',
    from: 'logs',
    where: `hasToken(lower(message), 'refused')`,
    found: 4,
    atMost: 50_000,
    index: 'by_word',
  },
  {
    title: 'entries with a part of a text',
    from: 'logs',
    where: `lower(message) LIKE '%tion refus%'`,
    found: 4,
    atMost: 50_000,
    index: 'by_part',
  },
  {
    title: 'entries with a label of a value',
    from: 'logs',
    where: `labels['request'] = ${request}`,
    found: 1,
    atMost: 100_000,
    index: 'by_label',
  },
  {
    title: 'spans of a service in ten minutes',
    from: 'spans',
    where: `service = 'service-3' AND ${tenMinutes('start')}`,
    found: 360,
    atMost: 60_000,
    index: 'PrimaryKey',
  },
  {
    title: 'the same, each once',
    from: 'spans_latest',
    where: `service = 'service-3' AND ${tenMinutes('start')}`,
    found: 360,
    atMost: 60_000,
    index: 'PrimaryKey',
  },
  {
    title: 'spans of an endpoint in ten minutes',
    from: 'spans',
    where: `service = 'service-3' AND endpoint = '/route/3' AND ${tenMinutes('start')}`,
    found: 36,
    atMost: 17_000,
    index: 'PrimaryKey',
  },
  {
    title: 'spans of a trace',
    from: 'spans_latest',
    where: trace,
    found: 5,
    atMost: 60_000,
    index: 'by_trace',
  },
  {
    title: 'when and where a trace was',
    from: 'traces',
    where: trace,
    found: 1,
    atMost: 8_192,
    index: 'PrimaryKey',
  },
  {
    title: 'slow spans',
    from: 'spans',
    where: 'duration_us > 1000000',
    found: 10,
    atMost: 90_000,
    index: 'by_duration',
  },
  {
    title: 'failed spans',
    from: 'spans',
    where: `status = 'error'`,
    found: 10,
    atMost: 90_000,
    index: 'by_status',
  },
  {
    title: 'answers of 500 and above',
    from: 'spans',
    where: 'status_code >= 500',
    found: 10,
    atMost: 90_000,
    index: 'by_status_code',
  },
  {
    title: 'spans with an attribute of a value',
    from: 'spans',
    where: `attributes['request'] = ${request}`,
    found: 1,
    atMost: 100_000,
    index: 'by_attribute',
  },
]

it.each(questions)('$title: at most $atMost rows are read', async (question) => {
  const { from, where, found, atMost, index } = question
  const query = `SELECT * FROM ${from} WHERE tenant = 'default' AND ${where}`
  const answer = await (await client.query({ query, format: 'JSON' })).json()
  expect(answer.data).toHaveLength(found)
  expect(answer.statistics?.rows_read ?? Infinity).toBeLessThanOrEqual(atMost)
  const plan = await client.query({ query: `EXPLAIN indexes = 1 ${query}`, format: 'TabSeparated' })
  expect(await plan.text()).toMatch(new RegExp(`\\b${index}\\b`))
})
