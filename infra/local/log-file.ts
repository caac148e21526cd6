/**
 * Logs of children are plain files that the children write themselves, so that they outlive the supervisor. They are bounded from
 * outside: what grew too large is copied to `<file>.1` and truncated, which is safe because the children append (O_APPEND).
 */
import {
  closeSync,
  copyFileSync,
  fstatSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs'

import { systemCode } from './errors.ts'

export const maxLogBytes = 8 * 1024 * 1024

const sizeOf = (path: string): number => {
  try {
    return statSync(path).size
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 0
    throw error
  }
}

export const boundLog = (path: string, maxBytes = maxLogBytes): void => {
  if (sizeOf(path) <= maxBytes) return
  try {
    copyFileSync(path, `${path}.1`)
  } catch (error) {
    // On a full disk the old lines are what goes first.
    if (systemCode(error) !== 'ENOSPC') throw error
    rmSync(`${path}.1`, { force: true })
  }
  truncateSync(path)
}

/** The last lines of a log, for an error message. */
export const lastLines = (path: string, count: number, maxBytes = 16_384): readonly string[] => {
  try {
    const file = openSync(path, 'r')
    try {
      const { size } = fstatSync(file)
      const buffer = Buffer.alloc(Math.min(size, maxBytes))
      readSync(file, buffer, 0, buffer.length, size - buffer.length)
      return buffer.toString('utf8').trimEnd().split('\n').slice(-count)
    } finally {
      closeSync(file)
    }
  } catch {
    return []
  }
}
