/**
 * Cursors name the last row a reader has seen (its sort key), not a page number: rows that arrive
 * while somebody pages shift nothing. The list's name is part of it, so that a cursor of one list
 * given to another is refused instead of misread.
 */
import type { Problem } from '../shared/problem.ts'
import { apiProblem } from './problem.ts'

export type CursorPart = string | number
export type CursorKind = 'string' | 'number'

export const encodeCursor = (list: string, parts: readonly CursorPart[]): string =>
  Buffer.from(JSON.stringify([list, ...parts])).toString('base64url')

type PartOf<Kind> = Kind extends 'string' ? string : number
export type PartsOf<Kinds extends readonly CursorKind[]> = {
  readonly [Index in keyof Kinds]: PartOf<Kinds[Index]>
}

export const decodeCursor = <const Kinds extends readonly CursorKind[]>(
  list: string,
  kinds: Kinds,
  text: string | undefined,
): PartsOf<Kinds> | undefined => {
  if (text === undefined) return undefined
  const [owner, ...parts] = parseParts(text)
  const fits =
    owner === list &&
    parts.length === kinds.length &&
    parts.every((part, index) => typeof part === kinds[index])
  if (!fits) throw badCursor(text)
  return parts as unknown as PartsOf<Kinds>
}

const parseParts = (text: string): unknown[] => {
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    if (Array.isArray(parts)) return parts
  } catch {
    // Not JSON: fall through to the refusal.
  }
  throw badCursor(text)
}

const badCursor = (value: string): Problem => {
  const at = { field: 'cursor', value, limit: 'the `next` of an earlier answer of the same list' }
  return apiProblem('invalid-cursor', `cursor must be ${at.limit}`, { at })
}

/** A page was read with one row more than asked: that row only proves there is a next page. */
export const pageOf = <Row, Item>(options: {
  readonly rows: readonly Row[]
  readonly limit: number
  readonly toItem: (row: Row) => Item
  readonly cursorOf: (row: Row) => string
}): { readonly items: Item[]; readonly next: string | null } => {
  const { rows, limit, toItem, cursorOf } = options
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const next = rows.length > limit && last !== undefined ? cursorOf(last) : null
  return { items: page.map(toItem), next }
}
