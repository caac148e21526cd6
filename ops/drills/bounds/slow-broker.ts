/**
 * A worker before a backlog whose broker runs only part of the time: fetches and commits take many
 * times as long as they should, and what has been fetched and written waits.
 */
import { openBenchStack } from '../../bench/bench-stack.ts'
import { checkAnswer } from '../../bench/check.ts'
import { runChild, script } from '../../bench/child.ts'
import { expectedOf } from '../../bench/expected.ts'
import type { RunFigures } from '../../bench/worker-process.ts'
import { createApplication, createInput, fillInput } from '../../bench/workload-topics.ts'
import { createWorkload } from '../../bench/workload.ts'

const PARTITIONS = 4
const SERIES = 2_000

export interface SlowBrokerOptions {
  readonly records: number
  /** In turn the broker stands still and runs for so long. */
  readonly stoppedMs: number
  readonly runningMs: number
}

export interface SlowBrokerFigures {
  readonly recordsPerSecond: number
  readonly commits: number
  readonly commitP99Ms: number
  readonly peakRssMib: number
}

/** @throws Error when the committed output is not what the input implies */
export const drillSlowBroker = async (options: SlowBrokerOptions): Promise<SlowBrokerFigures> => {
  const { records } = options
  const stack = await openBenchStack({ attach: false })
  try {
    const [name, id] = [stack.prefix, `${stack.prefix}-app`]
    const workload = createWorkload({ name, decode: 'fields' })
    await createInput(stack, workload, PARTITIONS)
    await fillInput(stack, workload, { records, series: SERIES })
    const application = await createApplication(stack, workload, { id, partitions: PARTITIONS })
    if (stack.brokerPid === undefined) throw new Error('the broker is not ours to slow down')
    const release = slowDown(stack.brokerPid, options)
    let run: RunFigures
    try {
      const args = ['run', name, id, 'fields', records]
      run = (await runChild(script('worker-process.ts', args, stack.env))) as RunFigures
    } finally {
      release()
    }
    const { windows, deviations } = application
    const topics = { windows: windows.name, deviations: deviations.name }
    await checkAnswer(stack, topics, expectedOf({ records, series: SERIES }))
    return {
      recordsPerSecond: Math.round(run.records_per_second),
      commits: run.commits,
      commitP99Ms: Math.round(run.commit_p99_ms),
      peakRssMib: Math.round(run.rss_bytes / 1024 / 1024),
    }
  } finally {
    await stack.stop()
  }
}

/** Returns what lets the broker run freely again. */
const slowDown = (pid: number, { stoppedMs, runningMs }: SlowBrokerOptions): (() => void) => {
  let timer: NodeJS.Timeout
  const stop = (): void => {
    process.kill(pid, 'SIGSTOP')
    timer = setTimeout(go, stoppedMs)
  }
  const go = (): void => {
    process.kill(pid, 'SIGCONT')
    timer = setTimeout(stop, runningMs)
  }
  stop()
  return () => {
    clearTimeout(timer)
    process.kill(pid, 'SIGCONT')
  }
}
