/** The stack of `npm start` without its Node processes, in a temporary folder on free ports. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningServers, StackError, startServers } from '../../infra/local/index.ts'
import type { TestStack } from './test-stack.ts'

/** Below the range from which systems hand out ephemeral ports (Linux: 32768). */
const LOWEST_BASE = 22_000
const HIGHEST_BASE = 32_000
const BASE_WIDTH = 10
const MAX_TRIES = 20

const randomBase = (): number => {
  const bases = (HIGHEST_BASE - LOWEST_BASE) / BASE_WIDTH
  return LOWEST_BASE + BASE_WIDTH * Math.floor(Math.random() * bases)
}

const startOnFreePorts = async (dataDir: string): Promise<RunningServers> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await startServers({ dataDir, portBase: randomBase() })
    } catch (error) {
      const taken = error instanceof StackError && error.code === 'PORT_IN_USE'
      if (!taken || tries === MAX_TRIES) throw error
    }
  }
}

export const startLocalStack = async (): Promise<TestStack> => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-test-'))
  const remove = () => {
    rmSync(dataDir, { recursive: true, force: true })
  }
  try {
    const servers = await startOnFreePorts(dataDir)
    return {
      environment: servers.env,
      async stop() {
        await servers.stop()
        remove()
      },
    }
  } catch (error) {
    remove()
    throw error
  }
}
