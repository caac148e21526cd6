/**
 * Tokens (JWT) of one OIDC issuer: signature, issuer, audience, times, and what its claims mean here.
 *
 * The issuer's keys are found by discovery and kept; a token with a key id not seen before makes
 * them be asked for again, at most every 30 s, so that forged tokens cannot make us ask all the time.
 */
import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload } from 'jose'
import { messageOf } from '../errors.ts'
import {
  ALL_TENANTS,
  isRole,
  isSignalKind,
  isTenantName,
  type Grant,
  type Role,
} from './principal.ts'
import { IdentityRefused } from './refusal.ts'

export interface TokenSettings {
  readonly issuer: string
  readonly audience: string
  /** Those of the issuer; none of them works with a shared secret. */
  readonly algorithms: readonly string[]
  readonly clockSkewSeconds: number
  /** Names of claims; dots lead into objects. */
  readonly tenantClaim: string
  readonly rolesClaim: string
  readonly kindsClaim: string
  /** What a value of the roles claim stands for; values that are no role and not here mean nothing. */
  readonly roleOf: Readonly<Record<string, Role>>
}

export interface TokenVerifier {
  /** @throws IdentityRefused */
  verify(token: string): Promise<Grant>
}

type KeySet = ReturnType<typeof createRemoteJWKSet>

const ASK_TIMEOUT_MS = 5_000
const ASK_AGAIN_MS = 5_000
const REDISCOVER_MS = 3_600_000
const MAX_NAME_CHARACTERS = 200

export interface TokenClock {
  readonly nowMs: () => number
}

export const createTokenVerifier = (
  settings: TokenSettings,
  { nowMs }: TokenClock,
): TokenVerifier => {
  const keys = issuerKeys(settings.issuer, nowMs)
  return {
    async verify(token) {
      const keySet = await keys()
      try {
        const { payload } = await jwtVerify(token, keySet, {
          issuer: settings.issuer,
          audience: settings.audience,
          algorithms: [...settings.algorithms],
          clockTolerance: settings.clockSkewSeconds,
          requiredClaims: ['sub', 'exp'],
          currentDate: new Date(nowMs()),
        })
        return grantOf(payload, settings)
      } catch (error) {
        throw refusalFor(error)
      }
    },
  }
}

/** The issuer's key set. A failed discovery is told to everybody for a moment before it is tried again. */
const issuerKeys = (issuer: string, nowMs: () => number): (() => Promise<KeySet>) => {
  let found: { readonly keys: Promise<KeySet>; readonly untilMs: number } | undefined
  return () => {
    if (found !== undefined && nowMs() < found.untilMs) return found.keys
    const keys = discover(issuer)
    const asked = { keys, untilMs: nowMs() + REDISCOVER_MS }
    found = asked
    keys.catch(() => {
      if (found === asked) found = { keys, untilMs: nowMs() + ASK_AGAIN_MS }
    })
    return keys
  }
}

/** OpenID Connect Discovery 1.0, section 4. */
const discover = async (issuer: string): Promise<KeySet> => {
  try {
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
    const answer = await fetch(url, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) })
    if (!answer.ok) throw new Error(`it answers ${answer.status}`)
    const document: unknown = await answer.json()
    const { issuer: named, jwks_uri: address } = (document ?? {}) as Record<string, unknown>
    if (named !== issuer) throw new Error('its configuration names another issuer')
    if (typeof address !== 'string') throw new Error('its configuration has no jwks_uri')
    return createRemoteJWKSet(new URL(address), { timeoutDuration: ASK_TIMEOUT_MS })
  } catch (error) {
    throw unavailable(error)
  }
}

const unavailable = (error: unknown): IdentityRefused =>
  new IdentityRefused(
    'identity-unavailable',
    `tokens cannot be checked: the issuer gives no keys (${messageOf(error)})`,
  )

/** What the token itself is to blame for; everything else is the way to the issuer. */
const faults = [
  errors.JWTClaimValidationFailed,
  errors.JWTExpired,
  errors.JWTInvalid,
  errors.JWSInvalid,
  errors.JWSSignatureVerificationFailed,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
]

const refusalFor = (error: unknown): IdentityRefused => {
  if (error instanceof IdentityRefused) return error
  if (!faults.some((fault) => error instanceof fault)) return unavailable(error)
  return new IdentityRefused('credentials-refused', `the token is refused: ${messageOf(error)}`)
}

export const grantOf = (payload: JWTPayload, settings: TokenSettings): Grant => {
  const tenants = claim(payload, settings.tenantClaim)
  if (typeof tenants !== 'string' || (tenants !== ALL_TENANTS && !isTenantName(tenants))) {
    const detail = `the token's claim '${settings.tenantClaim}' names no tenant`
    throw new IdentityRefused('not-allowed', detail)
  }
  const roles = words(claim(payload, settings.rolesClaim)).flatMap((word) => {
    const role = Object.hasOwn(settings.roleOf, word) ? settings.roleOf[word] : word
    return isRole(role) ? [role] : []
  })
  return {
    via: 'token',
    id: `user:${payload.sub ?? ''}`.slice(0, MAX_NAME_CHARACTERS),
    name: nameIn(payload),
    tenants,
    roles,
    kinds: words(claim(payload, settings.kindsClaim)).filter(isSignalKind),
  }
}

/** A claim whose own name has dots (`https://example.org/roles`) is found, too. */
const claim = (payload: JWTPayload, path: string): unknown => {
  if (Object.hasOwn(payload, path)) return payload[path]
  let value: unknown = payload
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = Reflect.get(value, name)
  }
  return value
}

/** A list, or words in one text as `scope` has them. */
const words = (value: unknown): readonly string[] => {
  if (typeof value === 'string') return value.split(' ')
  return Array.isArray(value) ? value.filter((word) => typeof word === 'string') : []
}

/** Shown in records and logs, so nothing that could draw on a terminal. */
const nameIn = (payload: JWTPayload): string => {
  const names = [payload['preferred_username'], payload['email'], payload.sub]
  const name = names.find((each) => typeof each === 'string' && each !== '')
  return String(name)
    .replace(/\p{Cc}/gu, ' ')
    .slice(0, MAX_NAME_CHARACTERS)
}
