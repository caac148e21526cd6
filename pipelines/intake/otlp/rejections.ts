/** What is not taken of a request whose other items are. */
import { SchemaError } from '../../../schemas/errors.ts'

export interface Rejection {
  /** In words for the one who sends it, with few distinct values: which rule. */
  readonly reason: string
  /** Which item, and what it holds. */
  readonly detail: string
}

export class Rejected extends Error {
  override readonly name = 'Rejected'
  readonly reason: string

  constructor(reason: string, detail: string) {
    super(detail)
    this.reason = reason
  }
}

/** What one item gives; undefined, and a rejection more, when it cannot be taken. */
export const attempt = <T>(rejected: Rejection[], item: () => T): T | undefined => {
  try {
    return item()
  } catch (error) {
    rejected.push(rejectionOf(error))
    return undefined
  }
}

const rejectionOf = (error: unknown): Rejection => {
  if (error instanceof Rejected) return { reason: error.reason, detail: error.message }
  if (error instanceof SchemaError) {
    return {
      reason: 'a series or service whose name cannot be part of a key',
      detail: error.message,
    }
  }
  throw error
}
