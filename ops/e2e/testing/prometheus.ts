/** Debian's Prometheus: scrapes every second, sends what it scraped by remote_write, and tells what it has. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../../infra/local/ports.ts'
import { seriesKey } from '../../../schemas/series-key.ts'
import { eventually } from '../../test/eventually.ts'
import { answerOf } from './program.ts'

const PROGRAM = 'prometheus'

/** Why there is none to test with. */
export const withoutPrometheus = (): string | undefined =>
  answerOf(PROGRAM, ['--version']) === undefined
    ? `${PROGRAM} is not installed; Debian and Ubuntu: apt-get install prometheus`
    : undefined

export interface PrometheusOptions {
  /** Whose points they are. */
  readonly tenant: string
  /** Writes for this tenant alone. */
  readonly apiKey: string
  /** Of the gateway. */
  readonly writeTo: string
  /** `host:port` with /metrics, beside its own. */
  readonly scrape: readonly string[]
}

/** As its API tells a series and its samples. */
interface RangeVector {
  readonly metric: Readonly<Record<string, string>>
  readonly values: readonly (readonly [seconds: number, value: string])[]
}

const configOf = ({ writeTo, apiKey, scrape }: PrometheusOptions, port: number): string => `
global: { scrape_interval: 1s }
scrape_configs:
  - job_name: e2e
    static_configs: [{ targets: ${JSON.stringify([`127.0.0.1:${String(port)}`, ...scrape])} }]
remote_write:
  - url: ${writeTo}/api/v1/write
    authorization: { credentials: ${apiKey} }
    queue_config: { batch_send_deadline: 1s, min_backoff: 100ms, max_backoff: 1s, retry_on_http_429: true }
`

export class PrometheusProcess {
  readonly #options: PrometheusOptions
  readonly #folder = mkdtempSync(join(tmpdir(), 'millrace-prometheus-'))
  readonly #port: number
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  #output = ''

  private constructor(options: PrometheusOptions, port: number) {
    this.#options = options
    this.#port = port
    const config = join(this.#folder, 'prometheus.yml')
    writeFileSync(config, configOf(options, port))
    const args = [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(this.#folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${String(port)}`,
      '--log.level=warn',
    ]
    this.#child = spawn(PROGRAM, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text
    })
    this.#exited = once(this.#child, 'exit')
  }

  static async start(options: PrometheusOptions): Promise<PrometheusProcess> {
    const started = new PrometheusProcess(options, await freePort())
    const ready = await eventually(
      () =>
        started.#get('/-/ready').then(
          ({ ok }) => ok,
          () => false,
        ),
      (isReady) => isReady,
    )
    if (ready) return started
    await started.stop()
    throw new Error(`Prometheus did not get ready:\n${started.output}`)
  }

  /** What it warned of. */
  get output(): string {
    return this.#output
  }

  /** All numbers that it stored in this time, as `key of the series @ time`. */
  async samples(fromMs: number, toMs: number): Promise<ReadonlyMap<string, number>> {
    const seconds = Math.ceil((toMs - fromMs) / 1_000)
    const query = encodeURIComponent(`{__name__=~".+"}[${String(seconds)}s]`)
    const answer = await this.#get(`/api/v1/query?query=${query}&time=${String(toMs / 1_000)}`)
    const { data } = (await answer.json()) as { data: { result: readonly RangeVector[] } }
    const { tenant } = this.#options
    const found = new Map<string, number>()
    for (const { metric, values } of data.result) {
      const { __name__: name = '', ...labels } = metric
      const key = seriesKey({ tenant, name, labels })
      for (const [atSeconds, text] of values) {
        const value = Number(text.replace('Inf', 'Infinity'))
        if (Number.isFinite(value))
          found.set(`${key} @ ${String(Math.round(atSeconds * 1_000))}`, value)
      }
    }
    return found
  }

  /** The latest value of a metric of its own, summed over its series; 0 where there is none. */
  async metric(name: string): Promise<number> {
    const text = await (await this.#get('/metrics')).text()
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#exited
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #get(path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${String(this.#port)}${path}`)
  }
}
