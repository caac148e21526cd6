/**
 * The identity of a record, made of what it says: whoever sends it again, by whatever way, makes
 * the same one. 128 bits of a SHA-256 as 32 hex digits.
 */
import { createHash } from 'node:crypto'

/** JSON keeps the parts apart whatever is in them. */
export const contentId = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts), 'utf8').digest('hex').slice(0, 32)
