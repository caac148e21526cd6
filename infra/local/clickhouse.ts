/** The embedded ClickHouse: a real server, HTTP and native protocol, in a child Node process. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

import type { ServerArtifacts } from './artifacts.ts'
import {
  clickhouseUser,
  renderClickhouseConfig,
  renderClickhouseUsers,
} from './clickhouse-config.ts'
import type { DataLayout } from './layout.ts'
import type { ProcessSpec } from './managed-process.ts'
import type { StackPorts } from './ports.ts'
import { askHttp, httpHealth } from './probes.ts'

const memoryBytes = 640 * 1024 * 1024

/** Never ends by itself. */
const keepAlive =
  'SELECT sleepEachRow(1) FROM system.numbers SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0, max_execution_time = 0 FORMAT Null'

export interface ClickhouseServerInput {
  readonly artifacts: ServerArtifacts
  readonly layout: DataLayout
  readonly ports: StackPorts
}

export const clickhouseUrl = (ports: StackPorts): string =>
  `http://127.0.0.1:${String(ports.clickhouseHttp)}`

const writePrivate = (path: string, text: string): void => {
  writeFileSync(`${path}.tmp`, text, { mode: 0o600 })
  renameSync(`${path}.tmp`, path)
}

/** Made once per data folder; only its owner can read it. */
export const ensurePassword = (layout: DataLayout): string => {
  if (!existsSync(layout.clickhousePassword)) {
    writePrivate(layout.clickhousePassword, randomBytes(24).toString('base64url'))
  }
  return readFileSync(layout.clickhousePassword, 'utf8').trim()
}

export const clickhouseServer = ({
  artifacts,
  layout,
  ports,
}: ClickhouseServerInput): ProcessSpec => {
  const config = join(layout.clickhouse, 'config.xml')
  const usersFile = join(layout.clickhouse, 'users.xml')
  const dataDir = join(layout.clickhouse, 'data')
  const query = async (sql: string): Promise<void> => {
    const answer = await askHttp({
      url: `${clickhouseUrl(ports)}/`,
      method: 'POST',
      headers: {
        'x-clickhouse-user': clickhouseUser,
        'x-clickhouse-key': ensurePassword(layout),
      },
      body: sql,
      signal: AbortSignal.timeout(5_000),
    })
    if (!answer.ok) throw new Error(answer.text)
  }
  return {
    name: 'clickhouse',
    command: process.execPath,
    args: [
      '--max-old-space-size=32',
      '--disable-warning=ExperimentalWarning',
      fileURLToPath(new URL('clickhouse-server.ts', import.meta.url)),
      artifacts.clickhouseLibrary,
      `--config-file=${config}`,
      `--path=${dataDir}`,
      '--listen_host=127.0.0.1',
      `--http_port=${String(ports.clickhouseHttp)}`,
      `--tcp_port=${String(ports.clickhouseNative)}`,
      `--query=SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; ${keepAlive}`,
    ],
    env: { MALLOC_ARENA_MAX: '2' },
    cwd: layout.clickhouse,
    port: ports.clickhouseHttp,
    ipc: false,
    prepare: () => {
      mkdirSync(dataDir, { recursive: true })
      const password = ensurePassword(layout)
      writePrivate(config, renderClickhouseConfig({ dataDir, usersFile, memoryBytes }))
      writePrivate(usersFile, renderClickhouseUsers(password))
    },
    healthy: (signal) => httpHealth(`${clickhouseUrl(ports)}/ping`, signal),
    afterHealthy: () => query('SELECT 1'),
    startTimeoutMs: 60_000,
    stopTimeoutMs: 10_000,
  }
}
