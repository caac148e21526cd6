/** Reads a run's answer back, as any read_committed consumer would. */
import { readToEnd } from '../../pipelines/runtime/kafka/index.ts'
import type { BenchStack } from './bench-stack.ts'
import type { Expected } from './expected.ts'

const countRecords = async ({ cluster }: BenchStack, topic: string): Promise<number> => {
  let records = 0
  const partitions = await cluster.partitionCount(topic)
  for (let partition = 0; partition < partitions; partition++) {
    await readToEnd({
      cluster,
      topic,
      partition,
      until: 'last-stable',
      onRecords(set) {
        while (set.next()) records += 1
      },
    })
  }
  return records
}

/** A fast wrong run must not count. Throws when the answer is not what the input implies. */
export const checkAnswer = async (
  stack: BenchStack,
  topics: { readonly windows: string; readonly deviations: string },
  expected: Expected,
): Promise<void> => {
  const found: Expected = {
    windows: await countRecords(stack, topics.windows),
    deviations: await countRecords(stack, topics.deviations),
  }
  if (found.windows === expected.windows && found.deviations === expected.deviations) return
  throw new Error(
    `${topics.windows}: found ${JSON.stringify(found)}, the input implies ${JSON.stringify(expected)}`,
  )
}
