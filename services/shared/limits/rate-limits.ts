/**
 * How often, and how much, one key or user may send. A request counts when it comes; its bytes when
 * its body has been read, and whoever has taken more than its share waits before the next.
 *
 * Who comes without a key from this machine has no limit: it is the only one, and whatever it
 * floods is its own.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Principal } from '../identity/principal.ts'
import { Problem, type ProblemKind } from '../problem.ts'
import { TokenBucket } from './token-bucket.ts'

export type RateProblemCode = 'too-many-requests' | 'too-many-bytes'

const kinds: Readonly<Record<RateProblemCode, ProblemKind>> = {
  'too-many-requests': { status: 429, title: 'This sender sends too often' },
  'too-many-bytes': { status: 429, title: 'This sender sends too much' },
}

export interface RateLimits {
  readonly requestsPerSecond: number
  /** Of bodies, decompressed. */
  readonly bytesPerSecond: number
  readonly nowMs: () => number
}

/** Senders remembered; of more, the one that was silent longest begins anew. */
const MAX_SENDERS = 10_000

interface Sender {
  readonly requests: TokenBucket
  readonly bytes: TokenBucket
}

/** To be called before the first route is declared, and after `guard`. */
export const limitRates = (
  app: Pick<FastifyInstance, 'addHook'>,
  { requestsPerSecond, bytesPerSecond, nowMs }: RateLimits,
): void => {
  const senders = new Map<string, Sender>()
  const senderOf = (request: FastifyRequest): Sender => {
    const id = idOf(request)
    const known = senders.get(id)
    const sender = known ?? {
      requests: bucket(requestsPerSecond, nowMs()),
      bytes: bucket(bytesPerSecond, nowMs()),
    }
    // The one that was used last stands last.
    if (known !== undefined) senders.delete(id)
    else if (senders.size >= MAX_SENDERS) forgetFirst(senders)
    senders.set(id, sender)
    return sender
  }
  app.addHook('onRequest', (request, _reply, done) => {
    if (isUnlimited(request)) {
      done()
      return
    }
    const { requests, bytes } = senderOf(request)
    const owes = bytes.secondsUntil(0, nowMs())
    const waits = requests.secondsUntil(1, nowMs())
    if (waits === 0) requests.take(1, nowMs())
    if (waits > 0) {
      done(rateProblem('too-many-requests', `${requestsPerSecond} requests`, waits))
    } else if (owes > 0) {
      done(rateProblem('too-many-bytes', `${bytesPerSecond} bytes`, owes))
    } else {
      done()
    }
  })
  app.addHook('preHandler', (request, _reply, done) => {
    if (Buffer.isBuffer(request.body) && !isUnlimited(request)) {
      senderOf(request).bytes.take(request.body.length, nowMs())
    }
    done()
  })
}

/** A second's share may come at once. */
const bucket = (perSecond: number, nowMs: number): TokenBucket =>
  new TokenBucket({ perSecond, capacity: perSecond }, nowMs)

const forgetFirst = (senders: Map<string, Sender>): void => {
  const [first] = senders.keys()
  if (first !== undefined) senders.delete(first)
}

const rateProblem = (code: RateProblemCode, limit: string, waitSeconds: number): Problem =>
  new Problem(code, kinds[code], `more than ${limit} a second are not taken; come again later`, {
    retryAfterSeconds: Math.ceil(waitSeconds),
  })

/** Who has only signed its request is known by its address. */
const idOf = (request: FastifyRequest): string => principalOf(request)?.id ?? request.ip

const isUnlimited = (request: FastifyRequest): boolean => {
  const { access } = request.routeOptions.config
  return access === undefined || access === 'open' || principalOf(request)?.via === 'anonymous'
}

const principalOf = ({ principal }: { readonly principal?: Principal }): Principal | undefined =>
  principal
