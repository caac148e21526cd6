/** Content-Encoding undone, never beyond a limit: what unpacks to more is stopped on the way. */
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, zstdDecompress } from 'node:zlib'
import { Limiter } from '../shared/limiter.ts'
import { gatewayProblem } from './problem.ts'

export type ContentEncoding = 'gzip' | 'deflate' | 'br' | 'zstd'

interface DecompressOptions {
  readonly maxOutputLength: number
  readonly chunkSize: number
}

type Decompress = (body: Buffer, options: DecompressOptions) => Promise<Buffer>

const decompressors: Readonly<Record<ContentEncoding, Decompress>> = {
  gzip: promisify<Buffer, DecompressOptions, Buffer>(gunzip),
  deflate: promisify<Buffer, DecompressOptions, Buffer>(inflate),
  br: promisify<Buffer, DecompressOptions, Buffer>(brotliDecompress),
  zstd: promisify<Buffer, DecompressOptions, Buffer>(zstdDecompress),
}

/** Each chunk is a job for the thread pool; telemetry usually unpacks to some eight times its size. */
const USUAL_RATIO = 8
const LEAST_CHUNK_BYTES = 16 * 1024
const MOST_CHUNK_BYTES = 256 * 1024

/** Half of the thread pool; also bounds what is being unpacked at a time. */
const places = new Limiter(2)

/** @throws Problem `body-too-large`, `body-malformed` */
export const decompress = async (
  body: Buffer,
  { encoding, limitBytes }: { readonly encoding: ContentEncoding; readonly limitBytes: number },
): Promise<Buffer> => {
  const chunkSize = Math.min(
    MOST_CHUNK_BYTES,
    Math.max(LEAST_CHUNK_BYTES, body.length * USUAL_RATIO),
  )
  try {
    return await places.run(() =>
      decompressors[encoding](body, { maxOutputLength: limitBytes, chunkSize }),
    )
  } catch (error) {
    throw isTooLarge(error) ? tooLarge(limitBytes) : malformed(encoding, error)
  }
}

const isTooLarge = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'

const tooLarge = (limitBytes: number) => {
  const limit = `at most ${String(limitBytes)} bytes after decompression`
  return gatewayProblem(
    'body-too-large',
    `the body unpacks to more than ${String(limitBytes)} bytes; send less at once`,
    {
      at: { field: 'body', value: null, limit },
    },
  )
}

const malformed = (encoding: ContentEncoding, cause: unknown) => {
  const fault = cause instanceof Error ? cause.message : String(cause)
  return gatewayProblem('body-malformed', `the body is no whole ${encoding} stream: ${fault}`, {
    at: { field: 'body', value: null, limit: `a ${encoding} stream, as Content-Encoding says` },
    cause,
  })
}
