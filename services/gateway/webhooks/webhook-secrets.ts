/** The secrets by which webhooks prove themselves, each of one source and one tenant. */
import type { Secret } from '../../shared/secret.ts'
import type { LiveSecret } from '../../shared/secrets/secrets.ts'

export type HookSource = 'gitlab' | 'github' | 'argocd'

export interface WebhookSecret {
  readonly tenant: string
  readonly secret: Secret
}

export interface WebhookSecrets {
  /** As they are now. */
  of(source: HookSource): readonly WebhookSecret[]
}

export interface ConfiguredSecret {
  readonly source: string
  readonly tenant: string
  /** Read before the gateway starts, and again now and then, like all secrets of a service. */
  readonly secret: Pick<LiveSecret, 'last'>
}

export const webhookSecrets = (configured: readonly ConfiguredSecret[]): WebhookSecrets => ({
  of: (source) =>
    configured.flatMap(({ source: from, tenant, secret: { last } }) =>
      from === source && last !== undefined ? [{ tenant, secret: last }] : [],
    ),
})
