/** A ClickHouse that a test may kill and stop: the one of the test run is shared. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StackError, startServers, type RunningServers } from '../../../infra/local/index.ts'

const LOWEST_BASE = 20_000
const BASES = 190
const BASE_WIDTH = 10
const MAX_TRIES = 20

export interface OwnClickHouse {
  /** CLICKHOUSE_* as processes take it. */
  readonly environment: Readonly<Record<string, string>>
  /** Of the server process as it runs now; its supervisor starts it again when it dies. */
  pid(): number | undefined
  stop(): Promise<void>
}

const startOnFreePorts = async (dataDir: string): Promise<RunningServers> => {
  for (let tries = 1; ; tries += 1) {
    const portBase = LOWEST_BASE + BASE_WIDTH * Math.floor(Math.random() * BASES)
    try {
      return await startServers({ dataDir, portBase, which: ['clickhouse'] })
    } catch (error) {
      const isTaken = error instanceof StackError && error.code === 'PORT_IN_USE'
      if (!isTaken || tries === MAX_TRIES) throw error
    }
  }
}

export const startOwnClickHouse = async (): Promise<OwnClickHouse> => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-sink-'))
  const servers = await startOnFreePorts(dataDir)
  const ours = Object.entries(servers.env).filter(([name]) => name.startsWith('CLICKHOUSE_'))
  return {
    environment: Object.fromEntries(ours),
    pid: () => servers.processes().find(({ name }) => name === 'clickhouse')?.pid,
    async stop() {
      await servers.stop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
