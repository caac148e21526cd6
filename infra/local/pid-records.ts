/**
 * A file per child, written as soon as it has a pid. A start after `kill -9` of the supervisor finds here what still runs on the
 * same data folder and stops it: two brokers on one folder would corrupt it.
 */
import { readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'

import { systemCode } from './errors.ts'
import { identityOf, isAlive } from './process-identity.ts'
import type { ProcessIdentity } from './process-identity.ts'

export interface PidRecord extends ProcessIdentity {
  readonly name: string
  /** How long it may take to stop before it is killed. */
  readonly stopTimeoutMs: number
}

const fileOf = (folder: string, name: string): string => join(folder, `${name}.json`)

export const parsePidRecord = (text: string): PidRecord | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    const { name, pid, startedAt, stopTimeoutMs } = value as Record<string, unknown>
    if (typeof name !== 'string' || typeof startedAt !== 'string') return undefined
    // 0 and -1 would address whole process groups.
    if (typeof pid !== 'number' || !Number.isInteger(pid) || pid < 2) return undefined
    if (typeof stopTimeoutMs !== 'number') return undefined
    return { name, pid, startedAt, stopTimeoutMs }
  } catch {
    return undefined
  }
}

export const writePidRecord = (
  folder: string,
  child: { readonly name: string; readonly pid: number; readonly stopTimeoutMs: number },
): void => {
  const identity = identityOf(child.pid)
  if (identity === undefined) return // gone already
  const record: PidRecord = { ...identity, name: child.name, stopTimeoutMs: child.stopTimeoutMs }
  const path = fileOf(folder, child.name)
  writeFileSync(`${path}.tmp`, JSON.stringify(record))
  renameSync(`${path}.tmp`, path)
}

export const removePidRecord = (folder: string, name: string): void => {
  rmSync(fileOf(folder, name), { force: true })
}

export const readPidRecords = (folder: string): readonly PidRecord[] => {
  const names = (): string[] => {
    try {
      return readdirSync(folder).filter((name) => name.endsWith('.json'))
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return []
      throw error
    }
  }
  return names().flatMap((name) => {
    const record = parsePidRecord(readFileSync(join(folder, name), 'utf8'))
    return record === undefined ? [] : [record]
  })
}

const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') throw error
  }
}

const pollMs = 50
/** After SIGKILL the kernel may need a while to tear down a large process. */
const killTimeoutMs = 10_000

const waitForEnd = async (identity: ProcessIdentity, timeoutMs: number): Promise<boolean> => {
  const deadline = Date.now() + timeoutMs
  while (isAlive(identity)) {
    if (Date.now() >= deadline) return false
    await sleep(pollMs)
  }
  return true
}

/** SIGTERM, a deadline, SIGKILL. Answers false only if the process outlived even that. */
export const stopProcess = async (
  identity: ProcessIdentity,
  stopTimeoutMs: number,
): Promise<boolean> => {
  if (!isAlive(identity)) return true
  signal(identity.pid, 'SIGTERM')
  if (await waitForEnd(identity, stopTimeoutMs)) return true
  if (!isAlive(identity)) return true
  signal(identity.pid, 'SIGKILL')
  return waitForEnd(identity, killTimeoutMs)
}

/** Stops what an earlier run left behind, and answers the names of what was still alive. */
export const stopLeftovers = async (folder: string): Promise<readonly string[]> => {
  const alive = readPidRecords(folder).filter(isAlive)
  await Promise.all(alive.map((record) => stopProcess(record, record.stopTimeoutMs)))
  for (const record of readPidRecords(folder)) removePidRecord(folder, record.name)
  return alive.map((record) => record.name)
}
