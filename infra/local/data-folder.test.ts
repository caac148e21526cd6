import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { openDataFolder, purgeDataFolder } from './data-folder.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-folder-'))
})
afterEach(() => {
  rmSync(root, { recursive: true, force: true })
})

const fails = (code: string): unknown => expect.objectContaining({ code })

describe('openDataFolder', () => {
  it('makes a folder with its parents, and can be opened again when released', () => {
    const dataDir = join(root, 'a', 'b')
    const first = openDataFolder({ dataDir })
    expect(() => openDataFolder({ dataDir })).toThrow(fails('DATA_LOCKED'))
    first.lock.release()
    openDataFolder({ dataDir }).lock.release()
  })

  it('takes over the lock of a process that is gone', () => {
    const dataDir = join(root, 'data')
    openDataFolder({ dataDir }).lock.release()
    // Our own pid with another start time: a pid that has been given to somebody else.
    const lock = join(dataDir, 'lock')
    writeFileSync(lock, JSON.stringify({ pid: process.pid, startedAt: 'another time' }))
    openDataFolder({ dataDir }).lock.release()
    expect(existsSync(lock)).toBe(false)
  })

  it('refuses a folder that holds something else, and leaves it alone', () => {
    writeFileSync(join(root, 'thesis.txt'), 'years of work')
    expect(() => openDataFolder({ dataDir: root, fresh: true })).toThrow(fails('DATA_VERSION'))
    expect(() => {
      purgeDataFolder(root)
    }).toThrow(fails('DATA_VERSION'))
    expect(readdirSync(root)).toEqual(['thesis.txt'])
  })

  it('refuses a full disk and a file in place of the folder', () => {
    expect(() => openDataFolder({ dataDir: root, minFreeBytes: Number.MAX_VALUE })).toThrow(
      fails('DISK_FULL'),
    )
    const file = join(root, 'file')
    writeFileSync(file, '')
    expect(() => openDataFolder({ dataDir: file })).toThrow(fails('DATA_UNWRITABLE'))
  })

  it('empties what is ours when asked for a fresh start', () => {
    const dataDir = join(root, 'data')
    openDataFolder({ dataDir }).lock.release()
    mkdirSync(join(dataDir, 'kafka'))
    openDataFolder({ dataDir }).lock.release()
    expect(existsSync(join(dataDir, 'kafka'))).toBe(true)
    openDataFolder({ dataDir, fresh: true }).lock.release()
    expect(existsSync(join(dataDir, 'kafka'))).toBe(false)
    purgeDataFolder(dataDir)
    expect(existsSync(dataDir)).toBe(false)
  })
})
