/** Where and on what a benchmark ran. */
import { execFileSync } from 'node:child_process'
import { arch, cpus, loadavg, platform, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memory_bytes: number
  readonly platform: string
  readonly node: string
  /** Of the last minute, when the benchmark began: 0 is a quiet machine. */
  readonly load_at_start: number
}

export const describeMachine = (): Machine => {
  const processors = cpus()
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memory_bytes: totalmem(),
    platform: `${platform()} ${arch()}`,
    node: process.version,
    load_at_start: loadavg()[0] ?? Number.NaN,
  }
}

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Of the checkout, with `+` when it has changes; `unknown` outside of one. */
export const currentCommit = (): string => {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no') !== ''
    return `${git('rev-parse', '--short', 'HEAD').trim()}${changed ? '+' : ''}`
  } catch {
    return 'unknown'
  }
}
