/**
 * Bodies of requests as Buffers: of a known type and encoding, in time, within limits, and all
 * together within a budget.
 *
 * B1: what the headers already tell is refused before a byte is read.
 * B2: a body counts against the budget from its first byte until its answer is sent: as long as the
 *     request holds it.
 * B3: half of the budget is the most of one sender: who is slow on purpose does not keep the others
 *     out. Before a proof in the body is checked, the address is the sender.
 * B4: and it takes no more memory than it counts for, however small the pieces in which it comes.
 */
import type { FastifyRequest } from 'fastify'
import type { Principal } from '../shared/identity/principal.ts'
import { commonProblem, type Problem } from '../shared/problem.ts'
import { Chunks } from './chunks.ts'
import { decompress, type ContentEncoding } from './decompression.ts'
import type { DoorScope } from './ports.ts'
import { gatewayProblem } from './problem.ts'

export interface BodyOptions {
  /** Without parameters, lower case: `application/json`. */
  readonly mediaTypes: readonly string[]
  /** Taken beside none; none at all where a signature covers the body as it was sent. */
  readonly encodings: readonly ContentEncoding[]
  /** Taken as well, and left for the door to undo: `snappy`. */
  readonly leftAlone?: readonly string[]
  /** Before and after decompression, where it is less than that of the gateway. */
  readonly limitBytes?: number
}

export interface BodyLimits {
  readonly bodyBytes: number
  /** Of all bodies of requests that have not been answered. */
  readonly allBytes: number
  readonly timeoutMs: number
}

declare module 'fastify' {
  interface FastifyRequest {
    incoming: IncomingBody | null
  }
}

const EMPTY = Buffer.alloc(0)
const RETRY_SECONDS = 1

export class BodyReader {
  readonly #limits: BodyLimits
  readonly #heldBySender = new Map<string, number>()
  #heldBytes = 0

  constructor(limits: BodyLimits) {
    this.#limits = limits
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** @throws Problem `bodies-too-many`, or `sender-over-share` (B3) */
  hold(sender: string, bytes: number): void {
    const { allBytes } = this.#limits
    const own = this.#heldBySender.get(sender) ?? 0
    if (own > 0 && own + bytes > allBytes / 2) {
      throw refusal(
        'sender-over-share',
        `${String(own)} bytes of bodies of this sender`,
        allBytes / 2,
      )
    }
    if (this.#heldBytes > 0 && this.#heldBytes + bytes > allBytes) {
      throw refusal('bodies-too-many', `bodies of ${String(this.#heldBytes)} bytes`, allBytes)
    }
    this.#heldBytes += bytes
    this.#heldBySender.set(sender, own + bytes)
  }

  giveBack(sender: string, bytes: number): void {
    this.#heldBytes -= bytes
    const left = (this.#heldBySender.get(sender) ?? 0) - bytes
    if (left > 0) this.#heldBySender.set(sender, left)
    else this.#heldBySender.delete(sender)
  }

  /** Makes `request.body` of all routes of the scope a Buffer. Answers how many bytes one may have. */
  install(scope: DoorScope, options: BodyOptions): number {
    const { bodyBytes, timeoutMs } = this.#limits
    const limitBytes = Math.min(options.limitBytes ?? bodyBytes, bodyBytes)
    const expected = { timeoutMs, ...options, limitBytes }
    scope.removeAllContentTypeParsers()
    // Schemas describe: doors judge the bytes, item by item.
    scope.setValidatorCompiler(() => () => true)
    scope.addHook('preParsing', (request, reply, payload, done) => {
      if (!hasBody(request)) {
        done(null, payload)
        return
      }
      try {
        const incoming = new IncomingBody(this, request, expected)
        request.incoming = incoming
        reply.raw.once('close', () => {
          incoming.giveBack()
        })
      } catch (error) {
        done(error as Problem)
        return
      }
      done(null, payload)
    })
    scope.addContentTypeParser('*', (request, payload, done) => {
      const { incoming } = request
      if (incoming === null) done(null, EMPTY)
      else incoming.read(payload, done)
    })
    return limitBytes
  }
}

const refusal = (
  code: 'sender-over-share' | 'bodies-too-many',
  held: string,
  limitBytes: number,
): Problem =>
  gatewayProblem(code, `${held} are in hand, at most ${String(limitBytes)} may be; come again`, {
    retryAfterSeconds: RETRY_SECONDS,
  })

/** Where a signature in the body is the proof, nobody is known yet. */
const senderOf = ({ principal, ip }: FastifyRequest): string =>
  (principal as Principal | undefined) === undefined
    ? ip
    : `${principal.tenant}\u001f${principal.id}`

/** What `readBodies` made of it. */
export const bodyOf = ({ body }: FastifyRequest): Buffer => (Buffer.isBuffer(body) ? body : EMPTY)

const hasBody = ({ headers }: FastifyRequest): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

interface Expected extends BodyOptions {
  readonly limitBytes: number
  readonly timeoutMs: number
}

type Done = (error: Error | null, body?: Buffer) => void

class IncomingBody {
  readonly #reader: BodyReader
  readonly #sender: string
  readonly #expected: Expected
  readonly #encoding: ContentEncoding | undefined
  #heldBytes = 0

  /** @throws Problem for what the headers tell (B1) */
  constructor(reader: BodyReader, request: FastifyRequest, expected: Expected) {
    const { headers } = request
    this.#reader = reader
    this.#sender = senderOf(request)
    this.#expected = expected
    checkMediaType(headers['content-type'], expected.mediaTypes)
    this.#encoding = encodingOf(headers['content-encoding'], expected)
    if (Number(headers['content-length'] ?? 0) > expected.limitBytes) throw this.#tooLarge()
  }

  giveBack(): void {
    this.#reader.giveBack(this.#sender, this.#heldBytes)
    this.#heldBytes = 0
  }

  read(payload: NodeJS.ReadableStream, done: Done): void {
    const { limitBytes, timeoutMs } = this.#expected
    const chunks = new Chunks()
    let sizeBytes = 0
    const stop = (error: Error | null): void => {
      clearTimeout(timer)
      payload.removeListener('data', onData)
      payload.removeListener('end', onEnd)
      payload.removeListener('error', stop)
      payload.removeListener('close', onClose)
      if (error === null) {
        this.#unpack(chunks.joined(), done)
        return
      }
      // The rest is read and thrown away, so that the sender gets to see the answer.
      payload.resume()
      payload.on('error', () => undefined)
      done(error)
    }
    const onData = (chunk: Buffer): void => {
      sizeBytes += chunk.length
      if (sizeBytes > limitBytes) {
        stop(this.#tooLarge())
        return
      }
      try {
        this.#hold(chunk.length)
        chunks.add(chunk)
      } catch (error) {
        stop(error as Problem)
      }
    }
    const onEnd = (): void => {
      stop(null)
    }
    const onClose = (): void => {
      stop(commonProblem('invalid-request', 'the connection ended before the body did'))
    }
    const timer = setTimeout(() => {
      stop(
        gatewayProblem(
          'body-too-slow',
          `the body was not complete after ${String(timeoutMs / 1000)} s`,
          {
            at: {
              field: 'body',
              value: null,
              limit: `complete within ${String(timeoutMs / 1000)} s`,
            },
          },
        ),
      )
    }, timeoutMs)
    payload.on('data', onData)
    payload.on('end', onEnd)
    payload.on('error', stop)
    payload.on('close', onClose)
  }

  #unpack(body: Buffer, done: Done): void {
    if (this.#encoding === undefined) {
      done(null, body)
      return
    }
    const { limitBytes } = this.#expected
    decompress(body, { encoding: this.#encoding, limitBytes })
      .then((unpacked) => {
        this.#hold(unpacked.length)
        return unpacked
      })
      .then((unpacked) => {
        done(null, unpacked)
      }, done)
  }

  #hold(bytes: number): void {
    this.#reader.hold(this.#sender, bytes)
    this.#heldBytes += bytes
  }

  #tooLarge(): Problem {
    const { limitBytes } = this.#expected
    return gatewayProblem(
      'body-too-large',
      `the body has more than ${String(limitBytes)} bytes; send less at once`,
      {
        at: { field: 'body', value: null, limit: `at most ${String(limitBytes)} bytes` },
      },
    )
  }
}

const checkMediaType = (given: string | undefined, taken: readonly string[]): void => {
  const mediaType = (given ?? '').split(';', 1)[0]!.trim().toLowerCase()
  if (taken.includes(mediaType)) return
  const limit = taken.join(' or ')
  throw gatewayProblem('media-type-unknown', `Content-Type must be ${limit}`, {
    at: { field: 'content-type', value: given ?? null, limit },
  })
}

const encodingOf = (
  given: string | undefined,
  { encodings, leftAlone = [] }: BodyOptions,
): ContentEncoding | undefined => {
  const name = (given ?? '').trim().toLowerCase()
  if (name === '' || name === 'identity' || leftAlone.includes(name)) return undefined
  const encoding = encodings.find((each) => each === name)
  if (encoding !== undefined) return encoding
  const limit = ['identity', ...encodings, ...leftAlone].join(' or ')
  throw gatewayProblem('encoding-unknown', `Content-Encoding must be ${limit}`, {
    at: { field: 'content-encoding', value: given ?? null, limit },
  })
}
