/** Memory that all tasks of a process share, so that its bound does not grow with their number. */
import { ByteBudget } from '../byte-budget.ts'

export interface TaskMemory {
  /** Fetched and not yet processed. */
  readonly fetched: ByteBudget
  /** Written by pipelines and not yet committed. */
  readonly outputs: ByteBudget
}

const FETCHED_BYTES = 64 * 1024 * 1024
const OUTPUT_BYTES = 64 * 1024 * 1024

export const createTaskMemory = (): TaskMemory => ({
  fetched: new ByteBudget(FETCHED_BYTES),
  outputs: new ByteBudget(OUTPUT_BYTES),
})
