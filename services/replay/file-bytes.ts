/** The bytes of a file, unpacked where its name ends in .gz. */
import { createReadStream, statSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { EpochMs } from '../../schemas/topic.ts'
import { messageOf } from '../shared/errors.ts'
import { ReplayError } from './replay-error.ts'

const READ_BYTES = 256 * 1024

/** Destroy it when done. Fails with ReplayError, also when what is packed is damaged. */
export const openFile = (path: string): Readable => {
  const file = createReadStream(path, { highWaterMark: READ_BYTES })
  if (!/\.gz$/i.test(path)) {
    return file.on('error', (cause) => {
      file.destroy(unreadable(path, cause))
    })
  }
  const unpacked = createGunzip({ chunkSize: READ_BYTES })
  file.on('error', (cause) => {
    unpacked.destroy(unreadable(path, cause))
  })
  unpacked.on('close', () => {
    file.destroy()
  })
  return file.pipe(unpacked)
}

/** At most so many bytes from the beginning, enough to tell what is in it. */
export const startOf = async (path: string, maxBytes: number): Promise<Buffer> => {
  const input = openFile(path)
  const pieces: Buffer[] = []
  let length = 0
  try {
    for await (const piece of input as AsyncIterable<Buffer>) {
      pieces.push(piece)
      length += piece.length
      if (length >= maxBytes) break
    }
    return Buffer.concat(pieces).subarray(0, maxBytes)
  } catch (cause) {
    throw unreadable(path, cause)
  } finally {
    input.destroy()
  }
}

/** When the file was last written. */
export const writtenMs = (path: string): EpochMs => {
  try {
    return Math.floor(statSync(path).mtimeMs)
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

export const unreadable = (path: string, cause: unknown): ReplayError =>
  cause instanceof ReplayError
    ? cause
    : new ReplayError(
        'REPLAY_FILE_UNREADABLE',
        `Cannot read '${path}' (${messageOf(cause)}); give the path of a file.`,
        { cause },
      )
