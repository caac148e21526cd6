/** One object, or an array of them, each judged by itself: the good part is kept. */
import { BadInput } from '../bad-input.ts'

/** Of one request. */
export const MAX_ITEMS = 100_000

export interface Rejection {
  /** Place in the array; 0 for a single object. */
  readonly index: number
  readonly fault: BadInput
}

export interface MappedItems<Value> {
  readonly values: readonly Value[]
  readonly rejected: readonly Rejection[]
}

export const mapItems = <Value>(
  body: unknown,
  map: (item: unknown) => Value,
): MappedItems<Value> => {
  const items: readonly unknown[] = Array.isArray(body) ? body : [body]
  if (items.length > MAX_ITEMS) {
    throw new BadInput('body', items.length, `an array of at most ${String(MAX_ITEMS)} items`)
  }
  const values: Value[] = []
  const rejected: Rejection[] = []
  for (const [index, item] of items.entries()) {
    try {
      values.push(map(item))
    } catch (fault) {
      if (!(fault instanceof BadInput)) throw fault
      rejected.push({ index, fault })
    }
  }
  return { values, rejected }
}
