/** A key as commands show it. Its secret is not among what can be shown. */
import { userInfo } from 'node:os'
import type { KnownKey } from '../../keys/key-log.ts'

export type KeyState = 'active' | 'expired' | 'revoked'

export interface KeyReport {
  readonly id: string
  readonly tenant: string
  readonly name: string
  readonly roles: readonly string[]
  readonly kinds: readonly string[]
  readonly state: KeyState
  readonly expires: string | null
  readonly created: string
  readonly createdBy: string
  readonly createdWhy: string | null
  readonly revoked: string | null
  readonly revokedBy: string | null
  readonly revokedWhy: string | null
}

const iso = (ms: number): string => new Date(ms).toISOString()

export const keyReport = ({ latest, created }: KnownKey, nowMs: number): KeyReport => {
  const isRevoked = latest.state !== 'active'
  const isOver = latest.expires !== null && latest.expires <= nowMs
  const { id, tenant, name, roles, kinds, expires } = latest
  return {
    id,
    tenant,
    name,
    roles,
    kinds,
    state: isRevoked ? 'revoked' : isOver ? 'expired' : 'active',
    expires: expires === null ? null : iso(expires),
    created: iso(created.timestamp),
    createdBy: created.actor,
    createdWhy: created.reason,
    revoked: isRevoked ? iso(latest.timestamp) : null,
    revokedBy: isRevoked ? latest.actor : null,
    revokedWhy: isRevoked ? latest.reason : null,
  }
}

/** Whoever is logged in on this machine; one without a name there is known by number. */
export const actorHere = (): string => {
  try {
    return userInfo().username
  } catch {
    return `uid ${String(process.getuid?.() ?? 'unknown')}`
  }
}
