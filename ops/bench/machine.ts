/** Where and on what a benchmark ran. */
import { arch, cpus, loadavg, platform, totalmem } from 'node:os'
import { git } from '../git.ts'

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

/** Of the checkout, with `+` when it has changes; `unknown` outside of one. */
export const currentCommit = (): string => {
  const hash = git('rev-parse', '--short', 'HEAD')
  const changes = git('status', '--porcelain', '--untracked-files=no')
  if (hash === undefined || changes === undefined) return 'unknown'
  return changes === '' ? hash : `${hash}+`
}
