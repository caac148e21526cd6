/**
 * Checks a whole record body against its schema without building a value.
 *
 * avsc trusts its input: a damaged block count makes it loop 2^50 times, a length beyond the end
 * reads on in the neighbour record. After this check a full decode is safe: it cannot hang, cannot
 * read outside the body and consumes it exactly.
 */
import { avroFaults, type PositionOrFault } from './avro-error.ts'
import type { AvroType } from './avro-type.ts'
import { SkipSource } from './skip-source.ts'

/** `end` when [start, end) is exactly one valid body, else a fault. */
export type BodyCheck = (buffer: Uint8Array, start: number, end: number) => PositionOrFault

export const compileBodyCheck = (type: AvroType): BodyCheck => {
  const source = new SkipSource({ check: 'strict' })
  const walk = source.skip(type)
  const { scope } = SkipSource
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- see skip-source.ts for the why
  const compile = new Function(
    ...Object.keys(scope),
    `'use strict'
    ${source.helpers}
    return function checkBody(b, pos, end) {
      if (end > b.length) return ${avroFaults.truncated}
      const depth = 0
      emptyItems[0] = 0
      ${walk}
      return pos === end ? pos : ${avroFaults['trailing-bytes']}
    }`,
  ) as (...values: unknown[]) => BodyCheck
  return compile(...Object.values(scope))
}
