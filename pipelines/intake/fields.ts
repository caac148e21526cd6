/**
 * Reads the fields of JSON that strangers sent, one by one: each answer has the type that was asked
 * for, and what has another type is BadInput under its whole path (`project.id`).
 *
 * Null and empty text count as absent: systems that fill templates write either.
 */
import type { EpochMs } from '../../schemas/topic.ts'
import { BadInput } from './bad-input.ts'
import { parseTimestamp } from './timestamp.ts'

/** Of one text, in characters: names, addresses, commits. */
export const MAX_TEXT = 2_048

export class Fields {
  readonly #value: object
  readonly #path: string

  /** @throws BadInput when it is no JSON object */
  constructor(value: unknown, path = '') {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new BadInput(path === '' ? 'body' : path, value, 'a JSON object')
    }
    this.#value = value
    this.#path = path
  }

  pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`
  }

  names(): string[] {
    return Object.keys(this.#value)
  }

  /** Everything as it came. */
  entries(): [string, unknown][] {
    return Object.entries(this.#value)
  }

  /** As it came; undefined when absent, null or empty. */
  get(name: string): unknown {
    if (!Object.hasOwn(this.#value, name)) return undefined
    const value: unknown = Reflect.get(this.#value, name)
    return value === null || value === '' ? undefined : value
  }

  bad(name: string, limit: string): BadInput {
    return new BadInput(this.pathOf(name), this.get(name), limit)
  }

  text(name: string): string {
    const text = this.optionalText(name)
    if (text === undefined) throw this.bad(name, 'text, and not empty')
    return text
  }

  optionalText(name: string, maxLength = MAX_TEXT): string | undefined {
    const value = this.get(name)
    if (value === undefined) return undefined
    if (typeof value !== 'string') throw this.bad(name, 'text')
    if (value.length > maxLength) throw this.bad(name, `at most ${String(maxLength)} characters`)
    return value
  }

  /** An identity that some systems write as a number. */
  optionalId(name: string): string | undefined {
    const value = this.get(name)
    return Number.isSafeInteger(value) || typeof value === 'bigint'
      ? String(value)
      : this.optionalText(name)
  }

  id(name: string): string {
    const id = this.optionalId(name)
    if (id === undefined) throw this.bad(name, 'text or a whole number')
    return id
  }

  optionalTime(name: string): EpochMs | undefined {
    const value = this.get(name)
    if (value === undefined) return undefined
    const isTime =
      typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint'
    const time = isTime ? parseTimestamp(String(value)) : undefined
    if (time !== undefined) return time
    throw this.bad(name, 'a time like 2026-03-01T12:00:00Z, or seconds or milliseconds since 1970')
  }

  time(name: string): EpochMs {
    const time = this.optionalTime(name)
    if (time === undefined) throw this.bad(name, 'given, as a time like 2026-03-01T12:00:00Z')
    return time
  }

  object(name: string): Fields {
    return new Fields(this.get(name), this.pathOf(name))
  }

  optionalObject(name: string): Fields | undefined {
    return this.get(name) === undefined ? undefined : this.object(name)
  }

  /** An array of at most `maxItems`; absent is none. */
  list(name: string, maxItems: number): readonly unknown[] {
    const value = this.get(name) ?? []
    if (!Array.isArray(value)) throw this.bad(name, 'an array')
    if (value.length > maxItems) {
      throw new BadInput(
        this.pathOf(name),
        value.length,
        `an array of at most ${String(maxItems)} items`,
      )
    }
    return value
  }
}
