/**
 * Which process a pid meant when it was written down. Pids are recycled, so a record is only ever compared with its start
 * time; what is not provably the same process is left alone.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface ProcessIdentity {
  readonly pid: number
  /** Opaque; equal for the same process only. Linux: boot id and start in clock ticks; elsewhere `ps -o lstart`. */
  readonly startedAt: string
}

const linuxStart = (pid: number): string | undefined => {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1')
    // The command in parentheses may hold spaces and parentheses: fields count from the last one. proc(5): state is 3, starttime 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const startTicks = fields[19]
    if (startTicks === undefined || fields[0] === 'Z' || fields[0] === 'X') return undefined
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    return `${bootId}:${startTicks}`
  } catch {
    return undefined
  }
}

const psField = (pid: number, field: 'lstart' | 'rss'): string | undefined => {
  try {
    const value = execFileSync('ps', ['-o', `${field}=`, '-p', String(pid)], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
    return value === '' ? undefined : value
  } catch {
    return undefined
  }
}

/** The start of a living process, or undefined when there is none (a zombie counts as none). */
export const startOf = (pid: number): string | undefined =>
  process.platform === 'linux' ? linuxStart(pid) : psField(pid, 'lstart')

export const identityOf = (pid: number): ProcessIdentity | undefined => {
  const startedAt = startOf(pid)
  return startedAt === undefined ? undefined : { pid, startedAt }
}

export const isAlive = (identity: ProcessIdentity): boolean =>
  startOf(identity.pid) === identity.startedAt

/** Resident memory in bytes, or undefined when the process is gone. */
export const residentBytes = (pid: number): number | undefined => {
  if (process.platform !== 'linux') {
    const kilobytes = psField(pid, 'rss')
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
  }
  try {
    const status = readFileSync(`/proc/${String(pid)}/status`, 'latin1')
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
  } catch {
    return undefined
  }
}
