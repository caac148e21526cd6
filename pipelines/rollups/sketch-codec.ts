/**
 * The bytes of a quantile sketch, as they stand in the field `sketch` of a roll-up.
 *
 *   u8      layout, 1 (relative accuracy 0.01; another accuracy will have another number)
 *   varint  count of zeros
 *   bins    of positive values
 *   bins    of negative values, by magnitude
 *
 *   bins:   varint number of bins, then per bin: varint index (zigzag; from the second bin on the
 *           distance to the bin before, minus one) and varint count - 1
 *
 * Varints are LEB128. Equal sketches have equal bytes.
 */

import { emptySketch, type QuantileSketch } from './sketch.ts'

const LAYOUT = 1
/** 2^53 in groups of seven bits. */
const MAX_VARINT_BYTES = 8

export type SketchErrorCode = 'SKETCH_UNREADABLE'

export class SketchError extends Error {
  override readonly name = 'SketchError'
  readonly retryable = false
  readonly code: SketchErrorCode

  constructor(code: SketchErrorCode, reason: string) {
    super(`Not a quantile sketch: ${reason}; read it with the version of Millrace that wrote it`)
    this.code = code
  }
}

export const encodeSketch = (sketch: QuantileSketch): Buffer => {
  const bytes: number[] = [LAYOUT]
  writeVarint(bytes, sketch.zeroCount)
  writeBins(bytes, sketch.positiveIndexes, sketch.positiveCounts)
  writeBins(bytes, sketch.negativeIndexes, sketch.negativeCounts)
  return Buffer.from(bytes)
}

/** @throws SketchError SKETCH_UNREADABLE when the bytes are no sketch of a known layout */
export const decodeSketch = (bytes: Uint8Array): QuantileSketch => {
  if (bytes[0] !== LAYOUT)
    throw new SketchError('SKETCH_UNREADABLE', `layout ${String(bytes[0])} is not known`)
  const reader = new VarintReader(bytes, 1)
  const sketch = emptySketch()
  sketch.zeroCount = reader.next()
  readBins(reader, sketch.positiveIndexes, sketch.positiveCounts)
  readBins(reader, sketch.negativeIndexes, sketch.negativeCounts)
  if (!reader.atEnd) throw new SketchError('SKETCH_UNREADABLE', 'bytes follow its end')
  return sketch
}

const writeBins = (
  bytes: number[],
  indexes: readonly number[],
  counts: readonly number[],
): void => {
  writeVarint(bytes, indexes.length)
  indexes.forEach((index, bin) => {
    writeVarint(bytes, bin === 0 ? zigzag(index) : index - indexes[bin - 1]! - 1)
    writeVarint(bytes, counts[bin]! - 1)
  })
}

const readBins = (reader: VarintReader, indexes: number[], counts: number[]): void => {
  const bins = reader.next()
  for (let bin = 0; bin < bins; bin++) {
    const step = reader.next()
    indexes.push(bin === 0 ? unzigzag(step) : indexes[bin - 1]! + step + 1)
    counts.push(reader.next() + 1)
  }
}

/** By division, not by shifts: counts may pass 2^32. */
const writeVarint = (bytes: number[], value: number): void => {
  let rest = value
  while (rest >= 128) {
    bytes.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
}

class VarintReader {
  readonly #bytes: Uint8Array
  #offset: number

  constructor(bytes: Uint8Array, offset: number) {
    this.#bytes = bytes
    this.#offset = offset
  }

  get atEnd(): boolean {
    return this.#offset === this.#bytes.length
  }

  next(): number {
    let value = 0
    let unit = 1
    for (let length = 0; length < MAX_VARINT_BYTES; length++) {
      const byte = this.#bytes[this.#offset++]
      if (byte === undefined) throw new SketchError('SKETCH_UNREADABLE', 'it ends early')
      value += (byte % 128) * unit
      if (byte < 128) return value
      unit *= 128
    }
    throw new SketchError('SKETCH_UNREADABLE', 'a number in it is too long')
  }
}

const zigzag = (value: number): number => (value < 0 ? -2 * value - 1 : 2 * value)
const unzigzag = (value: number): number => (value % 2 === 0 ? value / 2 : -(value + 1) / 2)
