/**
 * The latest ids of a source partition, in a ring of numbers: 96 bits of each, in two of them, as a
 * number holds 53 exactly.
 */
import type { Ring } from '../runtime/index.ts'

const HALF_BYTES = 6
const HALVES = 2
/** Behind so many others a repetition is no longer known. */
const KNOWN_IDS = 256
export const RECENT_NUMBERS = KNOWN_IDS * HALVES

export const isRecent = (recent: Ring, id: Buffer): boolean => {
  const [high, low] = halvesOf(id)
  for (let at = 0; at < recent.length; at += HALVES) {
    if (recent.at(at) === high && recent.at(at + 1) === low) return true
  }
  return false
}

export const remember = (recent: Ring, id: Buffer): void => {
  for (const half of halvesOf(id)) recent.push(half)
}

const halvesOf = (id: Buffer): readonly [high: number, low: number] => [
  id.readUIntBE(0, HALF_BYTES),
  id.readUIntBE(HALF_BYTES, HALF_BYTES),
]
