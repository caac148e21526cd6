/** What is not taken of a request whose other items are. */
import { SchemaError } from '../../../schemas/errors.ts'

/** Which rule, in words for the one who sends it. */
export type RejectionReason =
  | 'no time'
  | 'a time more than 60 s ahead'
  | 'a span that ends before it starts'
  | 'ids of a span that are not 16 and 8 bytes, or only zeros'
  | 'a point without a value'
  | 'a value that is not finite'
  | 'a histogram whose buckets do not fit together'
  | 'a unit of more than 256 characters'
  | 'a series or service whose name cannot be part of a key'
  | 'more series than the tenant may have'
  | 'a record of more than the topic takes'

export interface Rejection {
  readonly reason: RejectionReason
  /** Which item, and what it holds. */
  readonly detail: string
}

/** Told one by one; of further ones only the reason is kept, since a message may have 250,000. */
const MAX_DETAILS = 1_000
const WITHOUT_DETAIL = new Map<RejectionReason, Rejection>()

export class Rejected extends Error {
  override readonly name = 'Rejected'
  readonly reason: RejectionReason

  constructor(reason: RejectionReason, detail: string) {
    super(detail)
    this.reason = reason
  }
}

/** What one item gives; undefined, and a rejection more, when it cannot be taken. */
export const attempt = <T>(rejected: Rejection[], item: () => T): T | undefined => {
  try {
    return item()
  } catch (error) {
    const rejection = rejectionOf(error)
    rejected.push(rejected.length < MAX_DETAILS ? rejection : withoutDetail(rejection))
    return undefined
  }
}

/** One object for all of a reason. */
const withoutDetail = ({ reason }: Rejection): Rejection => {
  const known = WITHOUT_DETAIL.get(reason) ?? { reason, detail: '' }
  WITHOUT_DETAIL.set(reason, known)
  return known
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
