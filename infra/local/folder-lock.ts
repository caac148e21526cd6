/**
 * One `up` per data folder. The lock is a file that names its holder; it is made by link(2), which is atomic and comes with
 * its content, so that nobody ever reads half a lock. A holder that was killed leaves a stale one, told by its start time.
 */
import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import process from 'node:process'

import { StackError, systemCode } from './errors.ts'
import { identityOf, isAlive } from './process-identity.ts'
import type { ProcessIdentity } from './process-identity.ts'

export interface FolderLock {
  release(): void
}

const parseHolder = (text: string): ProcessIdentity | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    const { pid, startedAt } = value as Record<string, unknown>
    if (typeof pid !== 'number' || typeof startedAt !== 'string') return undefined
    return { pid, startedAt }
  } catch {
    return undefined
  }
}

const readText = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

const unlinkIfThere = (path: string): void => {
  try {
    unlinkSync(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
}

/** The living holder of a lock, or undefined. */
export const lockHolder = (path: string): ProcessIdentity | undefined => {
  const text = readText(path)
  const holder = text === undefined ? undefined : parseHolder(text)
  return holder !== undefined && isAlive(holder) ? holder : undefined
}

const tryLink = (own: string, path: string): boolean => {
  try {
    linkSync(own, path)
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  }
}

/** Moves a stale lock aside; if another start was faster and the moved one is its fresh lock, puts that back. */
const removeStale = (path: string, staleText: string, aside: string): void => {
  try {
    renameSync(path, aside)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return
    throw error
  }
  if (readText(aside) !== staleText) tryLink(aside, path)
  unlinkIfThere(aside)
}

const attempts = 10

export const lockFolder = (path: string, folder: string): FolderLock => {
  const identity = identityOf(process.pid)
  if (identity === undefined)
    throw new Error(`Cannot read the start time of pid ${String(process.pid)}.`)
  const own = `${path}.${String(process.pid)}`
  const text = JSON.stringify(identity)
  writeFileSync(own, text)
  try {
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (tryLink(own, path)) {
        return {
          release: () => {
            if (readText(path) === text) unlinkIfThere(path)
          },
        }
      }
      const holder = lockHolder(path)
      if (holder !== undefined) {
        throw new StackError(
          'DATA_LOCKED',
          `The data folder ${folder} is in use by a running stack (pid ${String(holder.pid)}); stop it with \`millrace down --data ${folder}\`, or choose another --data.`,
        )
      }
      const stale = readText(path)
      if (stale !== undefined) removeStale(path, stale, `${own}.stale`)
    }
  } finally {
    unlinkIfThere(own)
  }
  throw new StackError(
    'DATA_LOCKED',
    `The data folder ${folder} is being started by several processes at once; start it once.`,
  )
}
