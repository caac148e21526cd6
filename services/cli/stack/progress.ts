/** What `up` says on its way. On standard error: standard output belongs to documents. */
import process from 'node:process'

import type { ProcessStatus, StackPorts } from '../../../infra/local/index.ts'

export const say = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

const nameWidth = 11

const row = (mark: string, name: string, text: string): string =>
  `  ${mark} ${name.padEnd(nameWidth)} ${text}`

/** Says each change that a person wants to know of, once. */
export const createProgress = (startedAtMs: number) => {
  const before = new Map<string, ProcessStatus>()
  const ready = new Set<string>()
  return (status: ProcessStatus): void => {
    const previous = before.get(status.name)
    before.set(status.name, status)
    if (previous?.state === status.state) return
    if (status.state === 'ready' && !ready.has(status.name)) {
      ready.add(status.name)
      const where = status.port === undefined ? '' : `127.0.0.1:${String(status.port)}`
      say(row('✓', status.name, `${where.padEnd(18)} ${seconds(Date.now() - startedAtMs)}`))
    } else if (status.state === 'ready') {
      say(row('✓', status.name, 'works again'))
    } else if (status.state === 'starting' && previous?.state !== 'stopped' && previous) {
      say(
        row('!', status.name, `${status.reason ?? 'died'}; starting it again (log: ${status.log})`),
      )
    } else if (status.state === 'degraded') {
      say(
        row('!', status.name, `is not ready: ${status.reason ?? 'no answer'} (log: ${status.log})`),
      )
    } else if (status.state === 'failed') {
      say(
        row(
          '✗',
          status.name,
          `is given up: ${status.reason ?? 'it kept dying'} (log: ${status.log})`,
        ),
      )
    }
  }
}

export interface ReadyNotice {
  readonly ports: StackPorts
  readonly dataDir: string
  /** As to be repeated after `millrace`: empty for the default. */
  readonly dataOption: string
  readonly tookMs: number
  readonly services: readonly string[]
  /** Only at the start that made it. */
  readonly firstKey?: string
  readonly firstKeyFile?: string
}

export const readyLines = (notice: ReadyNotice): readonly string[] => {
  const { ports, dataOption } = notice
  const api = `http://127.0.0.1:${String(ports.api)}`
  const hasApi = notice.services.includes('api')
  return [
    '',
    `Millrace is ready (${seconds(notice.tookMs)}). Ctrl-C stops it; its state stays in ${notice.dataDir}.`,
    '',
    ...(hasApi ? [`  Page        ${api}/`, `  API         ${api}/docs`] : []),
    `  Gateway     http://127.0.0.1:${String(ports.gateway)}`,
    ...(notice.services.includes('shop')
      ? [`  Demo shop   http://127.0.0.1:${String(ports.shop)}`]
      : []),
    `  Kafka       127.0.0.1:${String(ports.kafka)}`,
    `  Schemas     http://127.0.0.1:${String(ports.registry)}/apis/ccompat/v7`,
    `  ClickHouse  http://127.0.0.1:${String(ports.clickhouseHttp)} (native ${String(ports.clickhouseNative)})`,
    ...(notice.firstKey === undefined
      ? []
      : [
          '',
          `API key, for all tenants; shown this once, kept in ${notice.firstKeyFile ?? ''}:`,
          `  ${notice.firstKey}`,
        ]),
    '',
    'Try next:',
    `  npx millrace status${dataOption}`,
    ...(notice.services.includes('worker')
      ? [
          `  npx millrace tail signals.anomalies${dataOption}`,
          `  npx millrace replay metrics FILE.csv${dataOption}   (columns: timestamp,value)`,
        ]
      : []),
    '',
  ]
}
