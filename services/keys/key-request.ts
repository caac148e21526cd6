/** What is asked for when a key is made, checked before anything is written. */
import type { KeyEntry } from '../../schemas/generated/control-keys.ts'
import { usageError } from '../shared/errors.ts'
import { createApiKey } from '../shared/identity/api-key.ts'
import {
  ALL_TENANTS,
  isRole,
  isSignalKind,
  isTenantName,
  ROLES,
  SIGNAL_KINDS,
} from '../shared/identity/principal.ts'
import type { Secret } from '../shared/secret.ts'

export interface KeyRequest {
  readonly tenant: string
  readonly name: string
  /** Words separated by commas; `all` for every one. */
  readonly roles?: string | undefined
  readonly kinds?: string | undefined
  /** `90d`, `12h`, `30m`, a date, or `never`. */
  readonly expires: string
  readonly actor: string
  readonly reason?: string | undefined
}

export interface NewKey {
  readonly entry: KeyEntry
  readonly key: Secret
}

const MAX_NAME_CHARACTERS = 200
const UNITS_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** @throws ServiceError USAGE_INVALID */
export const newKey = (request: KeyRequest, nowMs: number): NewKey => {
  const { tenant, name, actor, reason } = request
  if (tenant !== ALL_TENANTS && !isTenantName(tenant)) {
    const limit = 'a name of letters, digits, dots, dashes and underscores, or * for all tenants'
    throw usageError(`--tenant is "${tenant}" but must be ${limit}.`)
  }
  if (name.trim() === '' || name.length > MAX_NAME_CHARACTERS || /\p{Cc}/u.test(name)) {
    throw usageError(`--name must say in 1 to ${MAX_NAME_CHARACTERS} characters who uses the key.`)
  }
  const roles = wordsOf({ option: '--roles', text: request.roles, known: ROLES, is: isRole })
  const kinds = wordsOf({
    option: '--kinds',
    text: request.kinds,
    known: SIGNAL_KINDS,
    is: isSignalKind,
  })
  if (roles.length + kinds.length === 0) {
    throw usageError('A key without --roles and --kinds may do nothing; give one of them.')
  }
  const { id, key, secretSha256 } = createApiKey()
  const expires = expiryOf(request.expires, nowMs)
  return {
    key,
    entry: {
      timestamp: nowMs,
      tenant,
      id,
      name,
      secretSha256,
      roles,
      kinds,
      expires,
      state: 'active',
      actor,
      reason: reason ?? null,
    },
  }
}

interface Words<Word extends string> {
  readonly option: string
  readonly text: string | undefined
  readonly known: readonly Word[]
  readonly is: (text: string) => text is Word
}

const wordsOf = <Word extends string>({ option, text = '', known, is }: Words<Word>): Word[] => {
  if (text === 'all') return [...known]
  const words = text.split(',').filter((word) => word !== '')
  return words.map((word) => {
    if (is(word)) return word
    throw usageError(`${option} has "${word}" but takes ${known.join(', ')} or all.`)
  })
}

export const expiryOf = (text: string, nowMs: number): number | null => {
  if (text === 'never') return null
  const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  const isSpan = count !== undefined && (unit === 'm' || unit === 'h' || unit === 'd')
  const atMs = isSpan ? nowMs + Number(count) * UNITS_MS[unit] : dateOf(text)
  if (atMs > nowMs) return atMs
  throw usageError(
    `--expires is "${text}" but must be a time to come: 30m, 12h, 90d, a date like 2030-01-31, or never.`,
  )
}

const dateOf = (text: string): number => (/^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : NaN)
