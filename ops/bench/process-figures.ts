/** What the system says of a process. */
import { readFileSync } from 'node:fs'

export interface ResidentBytes {
  readonly nowBytes: number
  readonly peakBytes: number
}

/**
 * Resident memory of this process. From `/proc` on Linux: getrusage's maximum would hold what the
 * parent had when it forked. Elsewhere that is all there is.
 */
export const residentBytes = (): ResidentBytes => {
  if (process.platform !== 'linux') {
    const { maxRSS } = process.resourceUsage()
    return { nowBytes: process.memoryUsage.rss(), peakBytes: maxRSS * 1024 }
  }
  return residentBytesOf('self')
}

/** Of another process; Linux only. */
export const residentBytesOf = (pid: number | 'self'): ResidentBytes => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kilobytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN)
  return { nowBytes: kilobytes('VmRSS') * 1024, peakBytes: kilobytes('VmHWM') * 1024 }
}

/** Of this process, from its start. */
export const ownCpuSeconds = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** Of another process, from its start. Linux counts hundredths of a second; NaN elsewhere. */
export const cpuSecondsOf = (pid: number): number => {
  if (process.platform !== 'linux') return Number.NaN
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

export const brokerCpuSeconds = ({
  brokerPid,
}: {
  readonly brokerPid: number | undefined
}): number => (brokerPid === undefined ? Number.NaN : cpuSecondsOf(brokerPid))

/** Finer than Date.now, and the same for all processes of a machine. */
export const wallClockMs = (): number => performance.timeOrigin + performance.now()
