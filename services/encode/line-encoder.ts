/** JSON lines -> records as a producer without Avro may send them. */
import {
  recordTypeOf,
  RecordEncoder,
  valueProblems,
  type RecordType,
  type ValueProblem,
} from '../../pipelines/runtime/avro/index.ts'
import { MAX_RECORD_BYTES } from '../../pipelines/runtime/kafka/index.ts'
import { batchSizeBound } from '../../pipelines/runtime/record/index.ts'
import { decimalBytes, decimalFieldsOf } from '../../schemas/decimal.ts'
import type { AnyTopic, AvroSchema } from '../../schemas/topic.ts'
import { EXIT, messageOf, ServiceError } from '../shared/errors.ts'
import { valueFromJson } from './value-from-json.ts'

export interface EncodedLine {
  /** The canonical record key; undefined for a topic outside the catalogue. */
  readonly key: string | undefined
  /** Header and body; valid until the next line. */
  readonly value: Buffer
}

export interface LineEncoderOptions {
  readonly schema: AvroSchema
  readonly schemaId: number
  /** Knows key and finite fields; undefined for a topic outside the catalogue. */
  readonly topic: AnyTopic | undefined
}

export class LineEncoder {
  readonly #type: RecordType
  readonly #encoder: RecordEncoder<unknown>
  readonly #topic: AnyTopic | undefined
  readonly #decimals: readonly string[]
  #line = 0

  constructor({ schema, schemaId, topic }: LineEncoderOptions) {
    this.#type = recordTypeOf(schema)
    this.#encoder = new RecordEncoder({ schema, schemaId })
    this.#topic = topic
    this.#decimals = decimalFieldsOf(schema)
  }

  /** Undefined for an empty line. Throws with the line's number and the field. */
  encode(text: string): EncodedLine | undefined {
    this.#line += 1
    if (text.trim() === '') return undefined
    const value = valueFromJson(this.#type, this.#withDecimals(this.#parse(text)))
    const [problem] = valueProblems(this.#type, value)
    if (problem !== undefined) throw this.#refusal(this.#textOf(problem, value))
    this.#checkFinite(value as Readonly<Record<string, unknown>>)
    const line = { key: this.#keyOf(value), value: this.#encoder.encode(value) }
    this.#checkSize(line)
    return line
  }

  #textOf({ path, expected, found }: ValueProblem, value: unknown): string {
    if (path !== '') return `field '${path}' must be ${expected}, but is ${found}`
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return `not an object with the fields of ${this.#encoder.schemaName}`
    }
    const known = this.#type.fields.map(({ name }) => name)
    const unknown = Object.keys(value).filter((name) => !known.includes(name))
    return `${this.#encoder.schemaName} has no field '${unknown.join("', '")}'; it has ${known.join(', ')}`
  }

  #parse(text: string): unknown {
    try {
      return JSON.parse(text) as unknown
    } catch (cause) {
      throw this.#refusal(`not JSON: ${messageOf(cause)}`)
    }
  }

  /** Decimals come as text: a number of JSON becomes a float in most programs, and is one no more. */
  #withDecimals(json: unknown): unknown {
    if (this.#decimals.length === 0 || typeof json !== 'object' || json === null) return json
    const value: Record<string, unknown> = { ...json }
    for (const name of this.#decimals) {
      const amount = value[name]
      if (amount === undefined || amount === null) continue
      value[name] = this.#decimalOf(name, amount)
    }
    return value
  }

  #decimalOf(name: string, amount: unknown): Buffer {
    if (typeof amount !== 'string') {
      throw this.#refusal(`field '${name}' must be a decimal number as text, like "12.50"`)
    }
    try {
      return decimalBytes(amount)
    } catch (cause) {
      throw this.#refusal(`field '${name}': ${messageOf(cause)}`)
    }
  }

  /** The pipelines would put it aside as a dead letter; say so while it can be corrected. */
  #checkFinite(value: Readonly<Record<string, unknown>>): void {
    for (const name of this.#topic?.finiteFields ?? []) {
      const number = value[name]
      if (typeof number !== 'number' || Number.isFinite(number)) continue
      throw this.#refusal(`field '${name}' must be a finite number, but is ${String(number)}`)
    }
  }

  /** Brokers would refuse it, and not every producer says so plainly. */
  #checkSize({ key = '', value }: EncodedLine): void {
    const sizeBytes = batchSizeBound(Buffer.byteLength(key), value.length)
    if (sizeBytes <= MAX_RECORD_BYTES) return
    throw this.#refusal(
      `takes ${String(sizeBytes)} bytes as a record, the limit is ${String(MAX_RECORD_BYTES)}; send less at once`,
    )
  }

  #keyOf(value: unknown): string | undefined {
    if (this.#topic === undefined) return undefined
    try {
      return this.#topic.keyOf(this.#withDefaults(value) as never)
    } catch (cause) {
      throw this.#refusal(`no record key can be made: ${messageOf(cause)}`)
    }
  }

  #withDefaults(value: unknown): Readonly<Record<string, unknown>> {
    const record = value as Readonly<Record<string, unknown>>
    return Object.fromEntries(
      this.#type.fields.map((field) => [
        field.name,
        record[field.name] === undefined ? (field.defaultValue() as unknown) : record[field.name],
      ]),
    )
  }

  #refusal(fact: string): ServiceError {
    return new ServiceError({
      code: 'INPUT_INVALID',
      exitCode: EXIT.negative,
      message: `line ${String(this.#line)}: ${fact}`,
    })
  }
}
