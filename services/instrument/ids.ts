/** Random ids, a block of randomness at a time: asking the system for each would cost more than all the rest. */
import { randomFillSync } from 'node:crypto'

const block = Buffer.alloc(4_096)
let used = block.length

const randomHex = (bytes: number): string => {
  if (used + bytes > block.length) {
    randomFillSync(block)
    used = 0
  }
  used += bytes
  return block.toString('hex', used - bytes, used)
}

/** All zeros is no id: then another. */
const idOf = (bytes: number, zeros: string): string => {
  const id = randomHex(bytes)
  return id === zeros ? idOf(bytes, zeros) : id
}

const noTrace = '0'.repeat(32)
const noSpan = '0'.repeat(16)

export const newTraceId = (): string => idOf(16, noTrace)
export const newSpanId = (): string => idOf(8, noSpan)
