/**
 * Reads the machine and the stack. Each source stands for itself: one that fails or hangs costs
 * its own metrics of that moment and nothing else.
 */
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import si from 'systeminformation'
import {
  cpuReadings,
  diskReadings,
  filesystemReadings,
  loadReadings,
  memoryReadings,
  networkReadings,
} from './machine.ts'
import { processUsage } from './process-usage.ts'
import type { Reading } from './reading.ts'
import { StackProcesses, type StackProcess } from './stack-processes.ts'

export interface SamplerOptions {
  /** Asked at every sample: processes come and go. */
  readonly stackProcesses: () => readonly StackProcess[]
  readonly onFailure: (source: string, error: unknown) => void
  readonly timeoutMs: number
}

export type Sampler = () => Promise<Reading[]>

type Source = readonly [name: string, read: () => Promise<Reading[]>]

export const machineSampler = (options: SamplerOptions): Sampler => {
  const stack = new StackProcesses()
  const sources: readonly Source[] = [
    ['cpu', async () => cpuReadings(await si.currentLoad())],
    ['load', () => Promise.resolve(loadReadings(loadavg()))],
    ['memory', async () => memoryReadings(await si.mem())],
    ['filesystems', async () => filesystemReadings(await si.fsSize())],
    ['disks', async () => diskReadings(await si.fsStats(), await si.disksIO())],
    ['network', async () => networkReadings(await si.networkStats('*'))],
    [
      'processes',
      async () => {
        const processes = options.stackProcesses()
        const usages = await processUsage(processes.map(({ pid }) => pid))
        return stack.readings(processes, usages, performance.now())
      },
    ],
  ]
  return independent(sources, options)
}

export const independent = (
  sources: readonly Source[],
  { timeoutMs, onFailure }: Pick<SamplerOptions, 'timeoutMs' | 'onFailure'>,
): Sampler => {
  /** A source that hangs is not asked again until it answers. */
  const busy = new Set<string>()
  const read = async ([name, source]: Source): Promise<Reading[]> => {
    if (busy.has(name)) return []
    busy.add(name)
    const answer = source().finally(() => busy.delete(name))
    const timeout = new AbortController()
    try {
      return await Promise.race([answer, hang(name, timeoutMs, timeout.signal)])
    } catch (error) {
      answer.catch(() => undefined)
      onFailure(name, error)
      return []
    } finally {
      timeout.abort()
    }
  }
  return async () => {
    const readings = (await Promise.all(sources.map(read))).flat()
    return readings.filter(({ value }) => Number.isFinite(value))
  }
}

const hang = async (name: string, timeoutMs: number, signal: AbortSignal): Promise<never> => {
  await sleep(timeoutMs, undefined, { signal, ref: false })
  throw new Error(`no answer about ${name} within ${String(timeoutMs)} ms`)
}
