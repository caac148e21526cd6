/**
 * The secrets by which webhooks prove themselves, each of one source and one tenant.
 *
 * W1: the gateway does not start with one that cannot be read or is too short.
 * W2: they are read again now and then. One that cannot be read any more, or is too short, leaves
 *     the secret as it was: a replacement that is half done locks nobody out.
 */
import { EXIT, messageOf, ServiceError } from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import type { Secret } from '../../shared/secret.ts'
import type { Secrets } from '../../shared/secrets/secrets.ts'

export type HookSource = 'gitlab' | 'github' | 'argocd'

export interface WebhookSecret {
  readonly tenant: string
  readonly secret: Secret
}

export interface WebhookSecrets {
  /** As they are now. */
  of(source: HookSource): readonly WebhookSecret[]
}

export interface SecretReference {
  readonly source: string
  readonly tenant: string
  /** `file:/run/secrets/github` */
  readonly reference: string
}

export interface WebhookSecretsOptions {
  readonly secrets: Pick<Secrets, 'resolve'>
  readonly refreshMs: number
  readonly logger: Pick<Logger, 'warn' | 'info'>
}

const MIN_CHARACTERS = 16

export interface OpenWebhookSecrets extends WebhookSecrets {
  /** Reads all of them again. */
  readonly refresh: () => Promise<void>
  readonly close: () => void
}

/** @throws ServiceError CONFIG_INVALID, SECRET_INVALID, SECRET_UNAVAILABLE (W1) */
export const openWebhookSecrets = async (
  references: readonly SecretReference[],
  { secrets, refreshMs, logger }: WebhookSecretsOptions,
): Promise<OpenWebhookSecrets> => {
  const read = async (reference: string): Promise<Secret> => {
    const secret = await secrets.resolve(reference)
    if (secret.reveal().length >= MIN_CHARACTERS) return secret
    throw tooShort(reference)
  }
  const known = await Promise.all(
    references.map(async (entry) => ({
      ...entry,
      secret: await read(entry.reference),
      isTroubled: false,
    })),
  )
  const refresh = async (): Promise<void> => {
    for (const entry of known) {
      try {
        const secret = await read(entry.reference)
        if (secret.reveal() !== entry.secret.reveal()) {
          logger.info({ reference: entry.reference }, 'The secret of a webhook was replaced')
        }
        entry.secret = secret
        entry.isTroubled = false
      } catch (error) {
        if (!entry.isTroubled) logger.warn({ reference: entry.reference }, messageOf(error))
        entry.isTroubled = true
      }
    }
  }
  const timer = setInterval(() => void refresh(), refreshMs).unref()
  return {
    of: (source) => known.filter((entry) => entry.source === source),
    refresh,
    close: () => {
      clearInterval(timer)
    },
  }
}

const tooShort = (reference: string): ServiceError =>
  new ServiceError({
    code: 'CONFIG_INVALID',
    exitCode: EXIT.usage,
    message: `GATEWAY_WEBHOOK_SECRETS names ${reference}, which has fewer than ${String(MIN_CHARACTERS)} characters. Use a longer secret.`,
  })
