/** How encoded records leave standard output. */
import { usageError } from '../shared/errors.ts'
import type { EncodedLine } from './line-encoder.ts'

export type Framing =
  /** `base64` per line, or `key<TAB>base64`. Keys hold neither TAB nor line ends (checked). */
  | { readonly kind: 'base64' }
  /** uint32 big-endian length and value, the key before it in the same way. */
  | { readonly kind: 'length-prefixed' }
  /** Raw bytes with texts between them, as `kcat -P -D ... -K ...` cuts them. */
  | { readonly kind: 'delimited'; readonly delimiter: string; readonly keyDelimiter: string }

export interface FrameOptions {
  readonly framing: Framing
  readonly withKey: boolean
}

export const frameOf = (line: EncodedLine, { framing, withKey }: FrameOptions): Buffer => {
  const key = withKey ? Buffer.from(keyOf(line)) : undefined
  switch (framing.kind) {
    case 'base64': {
      const value = line.value.toString('base64')
      if (key === undefined) return Buffer.from(`${value}\n`)
      refuse(key, ['\t', '\n', '\r'], 'use --raw')
      return Buffer.from(`${key.toString()}\t${value}\n`)
    }
    case 'length-prefixed':
      return Buffer.concat([
        ...(key === undefined ? [] : [lengthOf(key), key]),
        lengthOf(line.value),
        line.value,
      ])
    case 'delimited': {
      const { delimiter, keyDelimiter } = framing
      refuse(line.value, [delimiter], 'choose another --delimiter')
      if (key === undefined) return Buffer.concat([line.value, Buffer.from(delimiter)])
      refuse(key, [delimiter, keyDelimiter], 'choose other delimiters')
      return Buffer.concat([key, Buffer.from(keyDelimiter), line.value, Buffer.from(delimiter)])
    }
  }
}

const keyOf = ({ key }: EncodedLine): string => {
  if (key !== undefined) return key
  throw usageError('--with-key needs a topic of the catalogue, whose key is known; leave it out.')
}

const lengthOf = (bytes: Buffer): Buffer => {
  const length = Buffer.allocUnsafe(4)
  length.writeUInt32BE(bytes.length)
  return length
}

const refuse = (bytes: Buffer, delimiters: readonly string[], wayOut: string): void => {
  const found = delimiters.find((delimiter) => bytes.includes(delimiter))
  if (found === undefined) return
  throw usageError(`A record contains the delimiter ${JSON.stringify(found)}; ${wayOut}.`)
}
