/**
 * Who sends a webhook. Systems that sign their hooks, or send a shared text along, prove themselves
 * by a secret of the source; that secret's tenant owns what they send.
 *
 * H1: what shows proof is judged by it alone: a wrong signature is not excused by anything else.
 * H2: where a source has secrets, nobody comes in without proof or a key, also on loopback.
 * H3: every secret of the source is compared, so that the time tells nothing of which one was right.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Principal } from '../../shared/identity/principal.ts'
import { IdentityRefused } from '../../shared/identity/refusal.ts'
import type { HookSource, WebhookSecret } from './webhook-secrets.ts'

export interface HookProof {
  /** For who set the hook up: `X-Gitlab-Token`. */
  readonly name: string
  readonly isRight: (secret: string) => boolean
}

export interface HookSenderOptions {
  readonly source: HookSource
  /** Those of the source. */
  readonly secrets: readonly WebhookSecret[]
  /** What the request shows, if it shows anything. */
  readonly proof: HookProof | undefined
  /** Whom the guard has let in, by a key or as a request of this machine. */
  readonly guarded: Principal | undefined
}

/** @throws IdentityRefused */
export const hookSender = ({ source, secrets, proof, guarded }: HookSenderOptions): Principal => {
  if (proof !== undefined) return proven(source, secrets, proof)
  if (guarded !== undefined && (guarded.via !== 'anonymous' || secrets.length === 0)) return guarded
  const detail = `requests of ${source} must show its secret or signature, or an API key`
  throw new IdentityRefused('credentials-missing', detail)
}

const proven = (
  source: HookSource,
  secrets: readonly WebhookSecret[],
  { name, isRight }: HookProof,
): Principal => {
  if (secrets.length === 0) {
    const detail = `${name} cannot be checked: no secret of ${source} is configured (GATEWAY_WEBHOOK_SECRETS)`
    throw new IdentityRefused('credentials-refused', detail)
  }
  const [right] = secrets.filter(({ secret }) => isRight(secret.reveal())) // H3
  if (right === undefined) {
    throw new IdentityRefused('credentials-refused', `${name} is not right`)
  }
  const { tenant } = right
  return {
    via: 'signature',
    id: `${source}:${tenant}`,
    name: `${source} webhook`,
    tenant,
    tenants: tenant,
    roles: [],
    kinds: ['deployments'],
  }
}

/** Undefined when absent; sent twice, it is joined and will not be right. */
export const headerOf = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value = headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}
