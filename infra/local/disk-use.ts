/** Bytes on disk below a folder, as `du` counts them: sparse files (Kafka's indexes) count what they take, not their size. */
import { type Dirent, lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const blockBytes = 512

const entriesOf = (folder: string): readonly Dirent[] => {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return [] // removed meanwhile, or not there yet
  }
}

const allocatedBytes = (path: string): number => {
  try {
    return lstatSync(path).blocks * blockBytes
  } catch {
    return 0
  }
}

export const diskUse = (folder: string): number => {
  let total = 0
  for (const entry of entriesOf(folder)) {
    const path = join(folder, entry.name)
    total += entry.isDirectory() ? diskUse(path) : allocatedBytes(path)
  }
  return total
}
