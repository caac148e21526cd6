/** One set-up at a time per folder: a second one waits for the first, and takes over when that was killed. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'

import { say } from './say.mjs'

const pollMs = 200
/** A lock whose owner has not written its pid by then was killed in between. */
const namelessMs = 2_000

const isRunning = (pid) => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

const ownerOf = (lock) => {
  try {
    const pid = Number(readFileSync(lock, 'utf8'))
    return Number.isInteger(pid) && pid > 1 ? pid : undefined
  } catch {
    return undefined
  }
}

const tryTake = (lock) => {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

export const exclusively = async (folder, work) => {
  mkdirSync(folder, { recursive: true })
  const lock = join(folder, 'setup.lock')
  let said = false
  let namelessSince
  while (!tryTake(lock)) {
    const owner = ownerOf(lock)
    if (owner === undefined) {
      namelessSince ??= Date.now()
      if (Date.now() - namelessSince > namelessMs) rmSync(lock, { force: true })
    } else if (isRunning(owner)) {
      if (!said) say(`Waiting for another set-up (pid ${owner}) ...`)
      said = true
    } else {
      rmSync(lock, { force: true })
    }
    await sleep(pollMs)
  }
  try {
    return await work()
  } finally {
    if (ownerOf(lock) === process.pid) rmSync(lock, { force: true })
  }
}
