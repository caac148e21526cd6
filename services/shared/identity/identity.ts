/**
 * Decides who sends a request and whether it may do what it asks. One of these serves gateway and
 * API; nothing else looks at keys, tokens or tenant headers.
 *
 * I1: a tenant is given by the key or token. A request may name it, too; naming another is refused.
 *     Who may act for all tenants, or comes without a key, chooses by naming one.
 * I2: nothing is let in while it cannot be checked: keys that are not loaded, an issuer that is away.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { credentialsOf } from './credentials.ts'
import type { ApiKey } from './api-key.ts'
import { GuessLimit } from './guess-limit.ts'
import type { KeyRing } from './key-ring.ts'
import { isLoopback, whyNotLocal } from './local-access.ts'
import {
  ALL_TENANTS,
  allows,
  DEFAULT_TENANT,
  isTenantName,
  ROLES,
  SIGNAL_KINDS,
  type Access,
  type Grant,
  type Principal,
} from './principal.ts'
import { IdentityRefused } from './refusal.ts'
import type { TokenVerifier } from './token.ts'

export interface IdentityOptions {
  readonly keys: KeyRing
  /** Whether `keys` is all that `control.keys` holds. */
  readonly keysLoaded: () => boolean
  readonly tokens: TokenVerifier | undefined
  /** Address that the server listens on. */
  readonly host: string
  /** Whether requests of this machine need no key where only they can come. */
  readonly anonymous: boolean
  readonly nowMs: () => number
}

const anonymous: Grant = {
  via: 'anonymous',
  id: 'anonymous',
  name: 'anonymous',
  tenants: ALL_TENANTS,
  roles: [...ROLES],
  kinds: [...SIGNAL_KINDS],
}

export class Identity {
  readonly #options: IdentityOptions
  readonly #isOpen: boolean
  readonly #guesses = new GuessLimit()

  constructor(options: IdentityOptions) {
    this.#options = options
    this.#isOpen = options.anonymous && isLoopback(options.host)
  }

  /** `true`, or why requests with a key wait. */
  ready(): true | string {
    return this.#options.keysLoaded() ? true : 'API keys are not loaded yet'
  }

  /** Whether a request without credentials is nobody's, so that only a signature can say whose. */
  needsSignature(headers: IncomingHttpHeaders): boolean {
    if (credentialsOf(headers).kind !== 'none') return false
    return !this.#isOpen || whyNotLocal(headers) !== undefined
  }

  /**
   * Who sends this. At once for keys; only tokens may have to wait for their issuer.
   *
   * @param address where it comes from, as far as that is known
   * @throws IdentityRefused
   */
  authenticate(headers: IncomingHttpHeaders, address = ''): Grant | Promise<Grant> {
    const credentials = credentialsOf(headers)
    switch (credentials.kind) {
      case 'none':
        return this.#withoutKey(headers)
      case 'malformed':
        throw new IdentityRefused('credentials-refused', credentials.why)
      case 'key':
        return this.#checked(credentials.key, address)
      case 'token':
        return this.#verified(credentials.token)
    }
  }

  #withoutKey(headers: IncomingHttpHeaders): Grant {
    const send = 'Send an API key as X-API-Key or Authorization: Bearer'
    if (!this.#isOpen) {
      const { keys, keysLoaded, tokens } = this.#options
      const isNone = keysLoaded() && keys.size === 0 && tokens === undefined
      const how = isNone ? '; there is none yet, `millrace keys create` makes one' : ''
      throw new IdentityRefused('credentials-missing', `${send}${how}`)
    }
    const why = whyNotLocal(headers)
    if (why === undefined) return anonymous
    throw new IdentityRefused('credentials-missing', `${send}: the request needs one, since ${why}`)
  }

  #checked(key: ApiKey, address: string): Grant {
    this.#assertKeysLoaded()
    const nowMs = this.#options.nowMs()
    const waitSeconds = this.#guesses.waitSeconds(address, key.id, nowMs)
    if (waitSeconds > 0) {
      const detail = `the key ${key.id} was refused too often; it is not looked at for a while`
      const retryAfterSeconds = Math.ceil(waitSeconds)
      throw new IdentityRefused('too-many-refusals', detail, { retryAfterSeconds })
    }
    const checked = this.#options.keys.check(key, nowMs)
    if (checked.kind === 'grant') return checked.grant
    this.#guesses.wrong(address, key.id, nowMs)
    throw new IdentityRefused('credentials-refused', checked.why)
  }

  #assertKeysLoaded(): void {
    if (this.#options.keysLoaded()) return
    throw new IdentityRefused('identity-unavailable', 'API keys are not loaded yet: try again')
  }

  async #verified(token: string): Promise<Grant> {
    const { tokens } = this.#options
    if (tokens === undefined) {
      const detail = 'no issuer of tokens is configured (OIDC_ISSUER); send an API key'
      throw new IdentityRefused('credentials-refused', detail)
    }
    return tokens.verify(token)
  }
}

/**
 * Who acts, for which tenant.
 *
 * @param asked the tenants that the request names; none is as good as the right one
 * @throws IdentityRefused
 */
export const authorize = (grant: Grant, access: Access, asked: readonly string[]): Principal => {
  if (!allows(grant, access)) throw notAllowed(grant, access)
  return { ...grant, tenant: tenantFor(grant, access, asked) }
}

const tenantFor = ({ tenants, via }: Grant, access: Access, asked: readonly string[]): string => {
  const [first = tenants === ALL_TENANTS ? DEFAULT_TENANT : tenants, ...others] = asked
  if (others.some((other) => other !== first)) {
    throw new IdentityRefused('tenant-invalid', 'the request names several tenants; name one')
  }
  if (tenants !== ALL_TENANTS && first !== tenants) {
    const detail = `the ${via} belongs to tenant '${tenants}' and cannot act for another`
    throw new IdentityRefused('tenant-refused', detail)
  }
  // Producers that write to Kafka themselves may use other names: those can be read, too.
  const isWriting = typeof access === 'object' && 'writes' in access
  const isName = isWriting ? isTenantName(first) : first !== '' && first !== ALL_TENANTS
  if (tenants === ALL_TENANTS && !isName) {
    const limit = '1 to 128 letters, digits, dots, dashes and underscores'
    const at = { field: 'tenant', value: first, limit }
    throw new IdentityRefused('tenant-invalid', `tenant must be ${limit}`, { at })
  }
  return first
}

const notAllowed = ({ via, roles, kinds }: Grant, access: Access): IdentityRefused => {
  const list = (words: readonly string[]) => (words.length === 0 ? 'none' : words.join(', '))
  const detail =
    typeof access === 'object' && 'writes' in access
      ? `the ${via} may not write ${access.writes} (it may write: ${list(kinds)})`
      : `the ${via} needs the role ${typeof access === 'object' ? access.role : access} (it has: ${list(roles)})`
  return new IdentityRefused('not-allowed', detail)
}
