/** The processes of the local stack as metrics: CPU and memory by name. */
import { reading, type Reading } from './reading.ts'
import type { ProcessUsage } from './process-usage.ts'

export interface StackProcess {
  readonly name: string
  readonly pid: number
}

/** CPU use lies between two readings, so this remembers the last one of each process. */
export class StackProcesses {
  readonly #last = new Map<number, { readonly cpuSeconds: number; readonly atMs: number }>()

  /** `atMs` is monotonic. */
  readings(
    processes: readonly StackProcess[],
    usages: ReadonlyMap<number, ProcessUsage>,
    atMs: number,
  ): Reading[] {
    const alive = new Set(usages.keys())
    for (const pid of this.#last.keys()) if (!alive.has(pid)) this.#last.delete(pid)
    return processes.flatMap(({ name, pid }) => {
      const usage = usages.get(pid)
      if (usage === undefined) return []
      const labels = { 'process.name': name }
      const memory = reading('process.memory.usage', 'By', usage.residentBytes, labels)
      const last = this.#last.get(pid)
      this.#last.set(pid, { cpuSeconds: usage.cpuSeconds, atMs })
      const seconds = last === undefined ? 0 : (atMs - last.atMs) / 1000
      if (last === undefined || seconds <= 0 || usage.cpuSeconds < last.cpuSeconds) return [memory]
      // Of one core, as `top` shows it: two busy threads are 2.
      const utilization = (usage.cpuSeconds - last.cpuSeconds) / seconds
      return [memory, reading('process.cpu.utilization', '1', utilization, labels)]
    })
  }
}
