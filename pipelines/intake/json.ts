/**
 * JSON of strangers: read strictly, and never larger in memory than its length lets expect.
 *
 * J1: a pass over the bytes before parsing counts depth and values: a body of brackets alone would
 *     take twenty times its size as objects.
 * J2: whole numbers that a double cannot hold stay exact, as bigint, up to 32 digits: to read one of a
 *     million takes half a second.
 * J3: of keys that repeat the last one counts. `__proto__` is a key like any other: what is parsed
 *     has it as an own property, and nobody copies by assignment.
 */
import { BadInput } from './bad-input.ts'

export interface JsonLimits {
  readonly depth: number
  /** Numbers, texts, objects, arrays ... of the whole body. */
  readonly values: number
}

export const JSON_LIMITS: JsonLimits = { depth: 32, values: 1_000_000 }

/** @throws BadInput for the field `body` */
export const parseJson = (body: Buffer, limits: JsonLimits = JSON_LIMITS): unknown => {
  const hasLongNumbers = scan(body, limits)
  const text = textOf(body)
  try {
    return hasLongNumbers ? JSON.parse(text, exactly) : JSON.parse(text)
  } catch (error) {
    const fault = error instanceof Error ? error.message.slice(0, SHOWN_FAULT) : String(error)
    throw new BadInput('body', null, `JSON (${fault})`)
  }
}

/** Of what `parseJson` gave: numbers that a double cannot hold become text. */
export const jsonText = (value: unknown): string => JSON.stringify(value, longNumbersAsText)

const longNumbersAsText = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? String(value) : value

const utf8 = new TextDecoder('utf-8', { fatal: true })

const textOf = (body: Buffer): string => {
  try {
    return utf8.decode(body)
  } catch {
    throw new BadInput('body', null, 'valid UTF-8')
  }
}

const SHOWN_FAULT = 120
/** 2^53 has sixteen. */
const LONG_DIGITS = 16

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const [ZERO, NINE] = [0x30, 0x39]
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]

/** Checks the limits; tells whether there are numbers that may be longer than a double's digits. */
const scan = (body: Buffer, limits: JsonLimits): boolean => {
  let depth = 0
  let values = 1
  let digits = 0
  let hasLongNumbers = false
  for (let at = 0; at < body.length; at++) {
    const byte = body[at]!
    if (byte >= ZERO && byte <= NINE) {
      digits += 1
      if (digits >= LONG_DIGITS) hasLongNumbers = true
      continue
    }
    digits = 0
    if (byte === QUOTE) {
      at = endOfText(body, at + 1)
    } else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      depth += 1
      values += 1
      if (depth > limits.depth) {
        throw new BadInput('body', null, `JSON of at most ${String(limits.depth)} levels`)
      }
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) {
      depth -= 1
    } else if (byte === COMMA) {
      values += 1
    }
    if (values > limits.values) {
      throw new BadInput('body', null, `JSON of at most ${String(limits.values)} values`)
    }
  }
  return hasLongNumbers
}

/** Position of the closing quote, or of the end. */
const endOfText = (body: Buffer, start: number): number => {
  let at = body.indexOf(QUOTE, start)
  while (at >= 0 && isEscaped(body, start, at)) at = body.indexOf(QUOTE, at + 1)
  return at < 0 ? body.length : at
}

const isEscaped = (body: Buffer, start: number, quote: number): boolean => {
  let slashes = 0
  while (quote - slashes > start && body[quote - slashes - 1] === BACKSLASH) slashes += 1
  return slashes % 2 === 1
}

const INTEGER = /^-?\d{1,32}$/

/** J2; `source` is the text of the number. */
const exactly = (_key: string, value: unknown, of?: { readonly source?: string }): unknown => {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  const source = of?.source ?? ''
  return INTEGER.test(source) ? BigInt(source) : value
}
