/**
 * CPU time and resident memory of given processes. Linux: /proc, two small files each; elsewhere
 * one `ps` for all. (systeminformation lists every process of the machine to answer for one: a
 * quarter of a second on two cores, every five seconds.)
 */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

export interface ProcessUsage {
  readonly cpuSeconds: number
  readonly residentBytes: number
}

/** USER_HZ: what the kernel shows to programs, on every Linux architecture that Node runs on. */
const TICKS_PER_SECOND = 100
const PS_TIMEOUT_MS = 3_000

/** Without those that are gone. */
export const processUsage = async (
  pids: readonly number[],
): Promise<ReadonlyMap<number, ProcessUsage>> => {
  if (pids.length === 0) return new Map()
  if (process.platform !== 'linux') return usageByPs(pids)
  const usages = await Promise.all(pids.map(async (pid) => [pid, await usageByProc(pid)] as const))
  return new Map(usages.flatMap(([pid, usage]) => (usage === undefined ? [] : [[pid, usage]])))
}

const usageByProc = async (pid: number): Promise<ProcessUsage | undefined> => {
  try {
    const [stat, status] = await Promise.all([
      readFile(`/proc/${String(pid)}/stat`, 'latin1'),
      readFile(`/proc/${String(pid)}/status`, 'latin1'),
    ])
    return parseProc(stat, status)
  } catch {
    return undefined
  }
}

export const parseProc = (stat: string, status: string): ProcessUsage | undefined => {
  // The command in parentheses may hold anything; proc(5): state is field 3, utime 14, stime 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  const kilobytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1])
  if (!Number.isFinite(ticks) || !Number.isFinite(kilobytes)) return undefined
  return { cpuSeconds: ticks / TICKS_PER_SECOND, residentBytes: kilobytes * 1024 }
}

const usageByPs = async (pids: readonly number[]): Promise<ReadonlyMap<number, ProcessUsage>> => {
  const args = ['-o', 'pid=,rss=,time=', '-p', pids.join(',')]
  try {
    const { stdout } = await promisify(execFile)('ps', args, { timeout: PS_TIMEOUT_MS })
    return parsePs(stdout)
  } catch {
    return new Map() // ps ends with 1 when all of them are gone
  }
}

/** Lines like `  512  20480   1:02.51` or `512 20480 1-02:03:04`. */
export const parsePs = (text: string): ReadonlyMap<number, ProcessUsage> =>
  new Map(
    text.split('\n').flatMap((line) => {
      const match = /^\s*(\d+)\s+(\d+)\s+(?:(\d+)-)?([\d:.]+)\s*$/.exec(line)
      if (match === null) return []
      const [, pid, kilobytes, days = '0', clock = ''] = match
      const seconds = clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0)
      const cpuSeconds = Number(days) * 86_400 + seconds
      return [[Number(pid), { cpuSeconds, residentBytes: Number(kilobytes) * 1024 }]]
    }),
  )
