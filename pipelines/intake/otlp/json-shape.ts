/**
 * Reads JSON into the form that the generated classes decode to. Shapes are composed like the messages:
 * unknown fields are passed over, null counts as absent, and what has another type is BadInput under its
 * whole path (`resourceSpans[0].scopeSpans[0].spans[3].traceId`).
 *
 * J1: integers of 64 bits are text or numbers, and exact: a number beyond 2^53 comes as `bigint`.
 * J2: enumerations are integers only, bytes of ids hex; bytes elsewhere base64.
 */
import { BadInput } from '../bad-input.ts'

/** @throws WrongShape */
export type Shape<T> = (value: unknown) => T

/** Collects its path on the way out. */
class WrongShape extends Error {
  readonly value: unknown
  readonly limit: string
  path = ''

  constructor(value: unknown, limit: string) {
    super(limit)
    this.value = value
    this.limit = limit
  }
}

/** @throws BadInput */
export const readShape = <T>(shape: Shape<T>, value: unknown): T => {
  try {
    return shape(value)
  } catch (error) {
    if (!(error instanceof WrongShape)) throw error
    throw new BadInput(error.path.replace(/^\./, '') || 'body', error.value, error.limit)
  }
}

const within = <T>(step: string | number, read: () => T): T => {
  try {
    return read()
  } catch (error) {
    if (error instanceof WrongShape) {
      error.path = (typeof step === 'number' ? `[${String(step)}]` : `.${step}`) + error.path
    }
    throw error
  }
}

type Fields<T> = { readonly [Name in keyof T]?: Shape<NonNullable<T[Name]>> }

export const message = <T extends object>(fields: Fields<T>): Shape<T> => {
  const shapes = Object.entries(fields) as [string, Shape<unknown>][]
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new WrongShape(value, 'a JSON object')
    }
    const found: Record<string, unknown> = {}
    for (const [name, shape] of shapes) {
      const field: unknown = Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined
      if (field !== undefined && field !== null) {
        found[name] = within(name, () => shape(field))
      }
    }
    return found as T
  }
}

export const list =
  <T>(item: Shape<T>): Shape<T[]> =>
  (value) => {
    if (!Array.isArray(value)) throw new WrongShape(value, 'an array')
    return value.map((each: unknown, index) => within(index, () => item(each)))
  }

/** For a message that holds itself. */
export const lazy =
  <T>(shape: () => Shape<T>): Shape<T> =>
  (value) =>
    shape()(value)

export const text: Shape<string> = (value) => {
  if (typeof value === 'string') return value
  throw new WrongShape(value, 'text')
}

export const bool: Shape<boolean> = (value) => {
  if (typeof value === 'boolean') return value
  throw new WrongShape(value, 'true or false')
}

export const double: Shape<number> = (value) => {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'string' && NUMBER.test(value)) return Number(value)
  throw new WrongShape(value, 'a number')
}
const NUMBER = /^(NaN|-?Infinity|-?\d+(\.\d+)?([eE][+-]?\d+)?)$/

const integer =
  (limit: string, min: bigint, max: bigint): Shape<bigint> =>
  (value) => {
    const read = wholeNumber(value)
    if (read !== undefined && read >= min && read <= max) return read
    throw new WrongShape(value, limit)
  }

const wholeNumber = (value: unknown): bigint | undefined => {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : undefined
  return typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? BigInt(value) : undefined
}

export const int64 = integer('a whole number of 64 bits', -(2n ** 63n), 2n ** 63n - 1n)
export const uint64 = integer('a whole number of 64 bits, not negative', 0n, 2n ** 64n - 1n)
const int32Digits = integer('a whole number of 32 bits', -(2n ** 31n), 2n ** 31n - 1n)
const uint32Digits = integer('a whole number of 32 bits, not negative', 0n, 2n ** 32n - 1n)
export const int32: Shape<number> = (value) => Number(int32Digits(value))
export const uint32: Shape<number> = (value) => Number(uint32Digits(value))

export const enumeration: Shape<number> = (value) => {
  if (Number.isInteger(value)) return value as number
  throw new WrongShape(value, 'the number of the enumeration, not its name')
}

export const hex: Shape<Uint8Array> = (value) => {
  if (typeof value === 'string' && /^([\da-fA-F]{2})*$/.test(value))
    return Buffer.from(value, 'hex')
  throw new WrongShape(value, 'hex digits, not base64')
}

export const base64: Shape<Uint8Array> = (value) => {
  if (typeof value === 'string' && /^[\w+/-]*={0,2}$/.test(value)) {
    return Buffer.from(value, 'base64')
  }
  throw new WrongShape(value, 'base64')
}
