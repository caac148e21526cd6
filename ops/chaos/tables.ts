/** What is in ClickHouse, by plain SQL over HTTP, and by `millrace sink verify`. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { TENANT } from './input.ts'
import { MAIN } from './servers.ts'

const run = promisify(execFile)
const VERIFY_OUTPUT_BYTES = 16 * 1024 * 1024
const DATABASE = 'millrace'

export class Tables {
  readonly #environment: Readonly<Record<string, string>>

  constructor(environment: Readonly<Record<string, string>>) {
    this.#environment = environment
  }

  /** Rows of a topic's table, and how many different records they stand for. */
  async rowsOf(table: string): Promise<{ readonly rows: number; readonly records: number }> {
    const [row = []] = await this.#select(
      `SELECT count(), uniqExact(_topic_id, _partition, _offset) FROM ${table}`,
    )
    return { rows: Number(row[0]), records: Number(row[1]) }
  }

  /** Host -> `count sum` of the points that are no poison. */
  async points(): Promise<[string, string][]> {
    const rows = await this.#select(
      `SELECT labels['host'] AS host, count(), sum(value) FROM metrics
       WHERE tenant = '${TENANT}' AND match(host, '^h[0-9]+$') GROUP BY host`,
    )
    return rows.map(([host, count, sum]) => [String(host), `${count} ${sum}`])
  }

  /** Every roll-up: of, host, start, end, count, sum, min, max, mean. */
  rollups(): Promise<readonly (readonly (string | number)[])[]> {
    return this.#select(
      `SELECT labels['of'], labels['host'], toUnixTimestamp64Milli(window_start),
       toUnixTimestamp64Milli(window_end), count, sum, min, max, mean
       FROM rollups_1m WHERE tenant = '${TENANT}'`,
    )
  }

  /** As operators ask; waits for what is on its way. Answers what is wrong, or nothing. */
  async verify(waitSeconds: number): Promise<string | undefined> {
    const args = [MAIN, 'sink', 'verify', '--json', '--wait', String(waitSeconds)]
    const options = {
      env: { ...process.env, ...this.#environment },
      maxBuffer: VERIFY_OUTPUT_BYTES,
    }
    try {
      await run(process.execPath, args, options)
      return undefined
    } catch (error) {
      const { stdout, stderr } = error as { stdout?: string; stderr?: string }
      return `${stdout ?? ''}${stderr ?? ''}`.trim() || String(error)
    }
  }

  async #select(sql: string): Promise<(string | number)[][]> {
    const environment = this.#environment
    const url = new URL(environment['CLICKHOUSE_URL'] ?? '')
    url.searchParams.set('database', DATABASE)
    url.searchParams.set('output_format_json_quote_64bit_integers', '0')
    const password = readFileSync(environment['CLICKHOUSE_PASSWORD_FILE'] ?? '', 'utf8').trim()
    const answer = await fetch(url, {
      method: 'POST',
      headers: {
        'x-clickhouse-user': environment['CLICKHOUSE_USERNAME'] ?? '',
        'x-clickhouse-key': password,
      },
      body: `${sql} FORMAT JSONCompactEachRow`,
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`ClickHouse refuses ${sql}: ${text}`)
    const lines = text.split('\n').filter((line) => line !== '')
    return lines.map((line) => JSON.parse(line) as (string | number)[])
  }
}
