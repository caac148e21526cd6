/** Who acts, and what that allows: the words that gateway, API and commands share. */

/** Each includes those before it. */
export const ROLES = ['viewer', 'operator', 'approver', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** What can be written, by the topic it ends in. */
export const SIGNAL_KINDS = ['metrics', 'logs', 'traces', 'deployments', 'alerts', 'costs'] as const
export type SignalKind = (typeof SIGNAL_KINDS)[number]

/** As the tenant of a key: all tenants. No tenant can be called so. */
export const ALL_TENANTS = '*'
export const DEFAULT_TENANT = 'default'

/** What a credential allows, whatever the request asks for. */
export interface Grant {
  readonly via: 'key' | 'token' | 'signature' | 'anonymous'
  /** Unique among all that send: for limits and logs. */
  readonly id: string
  /** Who it is, for people: the name of a key, a user. */
  readonly name: string
  /** A tenant, or `*`. */
  readonly tenants: string
  readonly roles: readonly Role[]
  readonly kinds: readonly SignalKind[]
}

/** Who acts in a request, and for which tenant. */
export interface Principal extends Grant {
  /** What is read and written belongs to this one, and to no other. */
  readonly tenant: string
}

/**
 * What a route asks of whoever comes: nothing, a role, or leave to write a kind of telemetry.
 *
 * `signed`: senders that can only sign what they send (GitHub) come without a key. Then the route has
 * no principal until it has checked the signature and set one itself.
 */
export type Access =
  'open' | { readonly role: Role } | { readonly writes: SignalKind; readonly signed?: true }

export const allows = (grant: Grant, access: Access): boolean => {
  if (access === 'open') return true
  if ('writes' in access) return grant.kinds.includes(access.writes)
  const least = ROLES.indexOf(access.role)
  return grant.roles.some((role) => ROLES.indexOf(role) >= least)
}

export const isRole = (text: unknown): text is Role => ROLES.some((role) => role === text)
export const isSignalKind = (text: unknown): text is SignalKind =>
  SIGNAL_KINDS.some((kind) => kind === text)

const TENANT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

/** As `TENANTS` and `--tenant` take it: nothing that could be mistaken for another in a key, a header or a query. */
export const isTenantName = (text: string): boolean => TENANT.test(text)
