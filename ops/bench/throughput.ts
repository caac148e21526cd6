/** Whole runs through a prefilled topic, one fresh process each. */
import type { BenchStack } from './bench-stack.ts'
import { checkAnswer } from './check.ts'
import { runChild, script } from './child.ts'
import type { Expected } from './expected.ts'
import { cpuSecondsOf } from './process-figures.ts'
import type { WorkerFigures } from './worker-process.ts'
import { createWorkload, type Decode } from './workload.ts'
import { createApplication, removeApplication } from './workload-topics.ts'

export interface RunOptions {
  readonly id: string
  readonly decode: Decode
  readonly records: number
  readonly partitions: number
  readonly expected: Expected
}

export interface RunFigures extends WorkerFigures {
  /** Of the broker, while the run lasted; NaN where it is not ours to see. */
  readonly broker_cpu_seconds: number
}

/** One run of ours; its answer is checked, and its topics are removed. */
export const runOurs = async (stack: BenchStack, options: RunOptions): Promise<RunFigures> => {
  const { id, decode, records, partitions, expected } = options
  const workload = createWorkload({ name: 'bench', decode })
  const application = await createApplication(stack, workload, { id, partitions })
  const before = brokerCpu(stack)
  const figures = (await runChild({
    ...script('worker-process.ts', [id, decode, String(records)]),
    env: stack.env,
  })) as WorkerFigures
  const brokerSeconds = brokerCpu(stack) - before
  const { windows, deviations } = application
  await checkAnswer(stack, { windows: windows.name, deviations: deviations.name }, expected)
  await removeApplication(stack, `${id}.`)
  return { ...figures, broker_cpu_seconds: brokerSeconds }
}

export const brokerCpu = ({ brokerPid }: BenchStack): number =>
  brokerPid === undefined ? Number.NaN : cpuSecondsOf(brokerPid)
