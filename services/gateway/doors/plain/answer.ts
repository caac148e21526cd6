/** The answer of plain JSON: how many were taken, and which were not. */
import type { MappedItems } from '../../../../pipelines/intake/plain/items.ts'
import { invalidParameter, quoted, type ProblemField } from '../../../shared/problem.ts'
import type { DoorCounts } from '../../ports.ts'

/** Named in the answer; all are counted. */
const NAMED = 100

export interface PlainAnswer {
  readonly status: 'accepted'
  readonly accepted: number
  readonly rejectedCount: number
  /** The first of them. */
  readonly rejected: readonly RejectedItem[]
}

interface RejectedItem extends ProblemField {
  readonly index: number
}

/** @throws Problem when there is nothing to take, and something to refuse */
export const answerTo = (
  { values, rejected }: MappedItems<unknown>,
  count: DoorCounts,
): PlainAnswer => {
  if (rejected.length > 0) count.refused('invalid', rejected.length)
  const first = rejected[0]
  if (first !== undefined && values.length === 0) {
    throw invalidParameter(first.fault)
  }
  return {
    status: 'accepted',
    accepted: values.length,
    rejectedCount: rejected.length,
    rejected: rejected.slice(0, NAMED).map(({ index, fault }) => ({ index, ...quoted(fault) })),
  }
}
