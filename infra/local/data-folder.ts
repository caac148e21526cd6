/** Opens a data folder for one run: it exists, can be written, has room, is ours, and nobody else works in it. */
import { existsSync, mkdirSync, readdirSync, rmSync, statfsSync, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'

import { ensureVersion } from './data-version.ts'
import { StackError, systemCode } from './errors.ts'
import { lockFolder } from './folder-lock.ts'
import type { FolderLock } from './folder-lock.ts'
import { layoutOf } from './layout.ts'
import type { DataLayout } from './layout.ts'

export interface DataFolder {
  readonly layout: DataLayout
  readonly lock: FolderLock
}

export interface OpenDataFolderOptions {
  readonly dataDir: string
  readonly minFreeBytes?: number
  /** Remove what an earlier run left, once the folder is ours alone. */
  readonly fresh?: boolean
}

/** Kafka stops for good when it cannot write; a start with less than this would not last. */
export const defaultMinFreeBytes = 1024 ** 3

/** Below this a server that died has probably died of it. */
export const leastFreeBytes = 64 * 1024 ** 2

const megabytes = (bytes: number): string => `${String(Math.floor(bytes / 1e6))} MB`

/** Not `recursive`: that one loops for ever below folders that take no entries, such as /proc. */
const makeWithParents = (path: string): void => {
  if (existsSync(path)) return
  makeWithParents(dirname(path))
  mkdirSync(path, { mode: 0o700 })
}

const makeFolder = (path: string): void => {
  try {
    makeWithParents(path)
    if (!statSync(path).isDirectory()) throw new Error('it is a file')
  } catch (error) {
    throw unwritable(path, error)
  }
}

const unwritable = (path: string, error: unknown): StackError =>
  new StackError(
    systemCode(error) === 'ENOSPC' ? 'DISK_FULL' : 'DATA_UNWRITABLE',
    `The data folder ${path} cannot be written (${systemCode(error) ?? (error instanceof Error ? error.message : String(error))}); choose another with --data.`,
    { cause: error },
  )

/** 0 when the folder is not there. */
export const freeBytes = (path: string): number => {
  if (!existsSync(path)) return 0
  const { bavail, bsize } = statfsSync(path)
  return bavail * bsize
}

const assertRoom = (path: string, minFreeBytes: number): void => {
  const free = freeBytes(path)
  if (free >= minFreeBytes) return
  throw new StackError(
    'DISK_FULL',
    `The disk of ${path} has ${megabytes(free)} free, below the ${megabytes(minFreeBytes)} that a start needs; free some, or choose another --data.`,
  )
}

const isLockFile = (layout: DataLayout, name: string): boolean =>
  name.startsWith(basename(layout.lock))

const othersIn = (layout: DataLayout): string[] =>
  readdirSync(layout.root).filter((name) => !isLockFile(layout, name))

/** Removes all that a data folder holds except its lock, which whoever removes must hold. */
const emptyFolder = (layout: DataLayout): void => {
  for (const name of othersIn(layout)) {
    // The version goes last: a folder that is half removed is still known as ours.
    if (name !== basename(layout.version)) {
      rmSync(`${layout.root}/${name}`, { recursive: true, force: true })
    }
  }
  rmSync(layout.version, { force: true })
}

export const openDataFolder = (options: OpenDataFolderOptions): DataFolder => {
  const layout = layoutOf(options.dataDir)
  makeFolder(layout.root)
  assertRoom(layout.root, options.minFreeBytes ?? defaultMinFreeBytes)
  const lock = lockWritable(layout)
  try {
    ensureVersion(layout, othersIn(layout).length > 0)
    if (options.fresh === true) {
      emptyFolder(layout)
      ensureVersion(layout, false)
    }
    for (const folder of [layout.pids, layout.logs, layout.secrets]) makeFolder(folder)
    return { layout, lock }
  } catch (error) {
    lock.release()
    throw error
  }
}

const lockWritable = (layout: DataLayout): FolderLock => {
  try {
    return lockFolder(layout.lock, layout.root)
  } catch (error) {
    throw error instanceof StackError ? error : unwritable(layout.root, error)
  }
}

/** Removes a data folder that no stack uses. Refuses what is not ours. */
export const purgeDataFolder = (dataDir: string): void => {
  const layout = layoutOf(dataDir)
  const lock = lockWritable(layout)
  try {
    ensureVersion(layout, othersIn(layout).length > 0)
    emptyFolder(layout)
  } finally {
    lock.release()
  }
  try {
    rmSync(layout.root, { recursive: true, force: true })
  } catch (error) {
    throw unwritable(layout.root, error)
  }
}
