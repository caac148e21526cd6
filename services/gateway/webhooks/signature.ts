/**
 * What a webhook shows to prove where it comes from: a shared text, or a signature of its body.
 *
 * S1: compared in constant time, whatever the length: hashes are compared, not texts.
 * S2: signatures cover the bytes that came, never what was read from them.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

export const isSameText = (given: string, right: string): boolean =>
  timingSafeEqual(digest(given), digest(right))

const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest()

/** `X-Hub-Signature-256: sha256=<hex>` of GitHub. */
export const isGithubSignature = (header: string, body: Buffer, secret: string): boolean =>
  isSameText(header, `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`)

/** A webhook after the Standard Webhooks specification 1.0. */
export interface SignedWebhook {
  readonly id: string
  /** Seconds since 1970, as text. */
  readonly timestamp: string
  /** `v1,<base64>`, several of them separated by spaces while a secret is replaced. */
  readonly signature: string
  readonly body: Buffer
}

const SECRET_PREFIX = 'whsec_'
const MAX_SIGNATURES = 10

export const isStandardSignature = (webhook: SignedWebhook, secret: string): boolean => {
  const { id, timestamp, signature, body } = webhook
  const right = createHmac('sha256', keyOf(secret))
    .update(`${id}.${timestamp}.`, 'utf8')
    .update(body)
    .digest('base64')
  const given = signature.split(' ', MAX_SIGNATURES)
  // All of them, also behind one that is right (S1).
  return given.filter((each) => isSameText(each, `v1,${right}`)).length > 0
}

/** The specification's secrets are base64 behind a prefix; any other text is its own bytes. */
const keyOf = (secret: string): Buffer =>
  secret.startsWith(SECRET_PREFIX)
    ? Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64')
    : Buffer.from(secret, 'utf8')

/** Older ones may have been recorded by somebody and sent again. */
export const TOLERANCE_SECONDS = 300

export const isFresh = (timestamp: string, nowMs: number): boolean =>
  /^\d{1,12}$/.test(timestamp) && Math.abs(nowMs / 1000 - Number(timestamp)) <= TOLERANCE_SECONDS
