/**
 * Amounts of money, quantities and prices: decimals of 38 digits, 12 of them behind the point. In a
 * record they are bytes (Avro's logical type `decimal`: the amount times 10^12 as an integer, two's
 * complement, big-endian), and stay so where they are only passed on. Whoever calculates turns them
 * into a Decimal first; a float, which cannot hold 0.1, is nowhere on the way.
 *
 * More than 12 digits behind the point are rounded, half to even, once: on the way into a record.
 */
import { Decimal as AnyDecimal } from 'decimal.js'
import { SchemaError } from './errors.ts'
import type { AvroSchema, DecimalBytes } from './topic.ts'

export const DECIMAL_PRECISION = 38
export const DECIMAL_SCALE = 12

/** Exact for sums, and for products of two; text is never in exponents. */
export const Decimal = AnyDecimal.clone({
  precision: 2 * DECIMAL_PRECISION,
  rounding: AnyDecimal.ROUND_HALF_EVEN,
  toExpNeg: -9e15,
  toExpPos: 9e15,
  defaults: true,
})
export type Decimal = AnyDecimal

const LIMIT = 10n ** BigInt(DECIMAL_PRECISION)
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?$/i

/** @throws SchemaError for text that is no number, and for what has more than 26 digits before the point */
export const decimalBytes = (value: Decimal | string): DecimalBytes => {
  if (typeof value === 'string' && !NUMBER.test(value))
    throw invalid(value, 'is not a decimal number')
  const exact = new Decimal(value)
  if (!exact.isFinite()) throw invalid(value, 'is not a decimal number')
  const integer = BigInt(
    exact
      .toDecimalPlaces(DECIMAL_SCALE)
      .times(`1e${String(DECIMAL_SCALE)}`)
      .toFixed(0),
  )
  if (integer >= LIMIT || integer <= -LIMIT)
    throw invalid(value, 'has more than 26 digits before the point')
  return bytesOf(integer)
}

export const decimalOf = (bytes: DecimalBytes): Decimal =>
  new Decimal(`${String(integerOf(bytes))}e-${String(DECIMAL_SCALE)}`)

/** Without exponent and without zeros at the end: `0.1`. */
export const decimalText = (bytes: DecimalBytes): string => decimalOf(bytes).toString()

/** False for bytes that hold no decimal, or one of more than 38 digits. */
export const isDecimal = (bytes: Uint8Array): boolean => {
  if (bytes.length < 16) return bytes.length > 0
  if (bytes.length > 16) return false
  const integer = integerOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
  return integer < LIMIT && integer > -LIMIT
}

/** Names of the fields of a record that are decimals, also where they may be null. */
export const decimalFieldsOf = (schema: AvroSchema): readonly string[] => {
  const { fields = [] } = schema as { readonly fields?: readonly FieldSchema[] }
  return fields.filter(({ type }) => [type].flat().some(isDecimalType)).map(({ name }) => name)
}

interface FieldSchema {
  readonly name: string
  readonly type: unknown
}

const isDecimalType = (type: unknown): boolean =>
  typeof type === 'object' &&
  type !== null &&
  'logicalType' in type &&
  type.logicalType === 'decimal' &&
  'scale' in type &&
  type.scale === DECIMAL_SCALE

/** As few bytes as hold it, as Avro's own libraries write it. */
const bytesOf = (integer: bigint): Buffer => {
  let size = 1
  while (BigInt.asIntN(8 * size, integer) !== integer) size++
  const hex = BigInt.asUintN(8 * size, integer).toString(16)
  return Buffer.from(hex.padStart(2 * size, '0'), 'hex')
}

const integerOf = (bytes: DecimalBytes): bigint =>
  bytes.length === 0 ? 0n : BigInt.asIntN(8 * bytes.length, BigInt(`0x${bytes.toString('hex')}`))

const invalid = (value: Decimal | string, fact: string): SchemaError =>
  new SchemaError(
    'DECIMAL_INVALID',
    `'${String(value).slice(0, 60)}' ${fact}; give a number like 12.50.`,
  )
