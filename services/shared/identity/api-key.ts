/**
 * API keys: `mlr_<id>_<secret>`.
 *
 * The prefix makes a key that was committed or pasted by mistake easy to find. The id is no secret
 * and names the key in lists and logs. The secret has 256 bits of randomness: nobody can try enough
 * of them, so one SHA-256 keeps it safe at rest. (Slow hashes are for passwords that people choose,
 * and would cost each request what they cost an attacker.)
 */
import { createHash, randomBytes } from 'node:crypto'
import { Secret } from '../secret.ts'

const ID_BYTES = 6
const SECRET_BYTES = 32
const FORM = /^mlr_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/

export interface ApiKey {
  readonly id: string
  readonly secret: string
}

export const looksLikeApiKey = (text: string): boolean => text.startsWith('mlr_')

/** Undefined for anything that is no key of ours. */
export const parseApiKey = (text: string): ApiKey | undefined => {
  const [, id, secret] = FORM.exec(text) ?? []
  return id === undefined || secret === undefined ? undefined : { id, secret }
}

export const hashOfSecret = (secret: string): Buffer => createHash('sha256').update(secret).digest()

export interface NewApiKey {
  readonly id: string
  /** The whole key; shown once and kept nowhere. */
  readonly key: Secret
  readonly secretSha256: string
}

export const createApiKey = (): NewApiKey => {
  const id = randomBytes(ID_BYTES).toString('hex')
  const secret = randomBytes(SECRET_BYTES).toString('base64url')
  return {
    id,
    key: new Secret(`mlr_${id}_${secret}`),
    secretSha256: hashOfSecret(secret).toString('hex'),
  }
}
