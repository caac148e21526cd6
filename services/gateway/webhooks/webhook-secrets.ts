/**
 * The secrets by which webhooks prove themselves, each of one source and one tenant, from files.
 *
 * W1: the gateway does not start with one that cannot be read or is too short.
 * W2: a file that changes is read again. One that cannot be read any more, or is too short, leaves
 *     the secret as it was: a replacement that is half done locks nobody out.
 */
import { readFile } from 'node:fs/promises'
import { EXIT, messageOf, ServiceError } from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import { Secret } from '../../shared/secret.ts'

export type HookSource = 'gitlab' | 'github' | 'argocd'

export interface WebhookSecret {
  readonly tenant: string
  readonly secret: Secret
}

export interface WebhookSecrets {
  /** As they are now. */
  of(source: HookSource): readonly WebhookSecret[]
}

export interface SecretFile {
  readonly source: string
  readonly tenant: string
  readonly file: string
}

const MIN_CHARACTERS = 16
const READ_AGAIN_MS = 5_000

export interface OpenWebhookSecrets extends WebhookSecrets {
  /** Reads all of them again. */
  readonly refresh: () => Promise<void>
  readonly close: () => void
}

/** @throws ServiceError CONFIG_INVALID (W1) */
export const openWebhookSecrets = async (
  files: readonly SecretFile[],
  logger: Pick<Logger, 'warn' | 'info'>,
): Promise<OpenWebhookSecrets> => {
  const known = await Promise.all(
    files.map(async (entry) => ({
      ...entry,
      secret: await readSecret(entry.file),
      isTroubled: false,
    })),
  )
  const refresh = async (): Promise<void> => {
    for (const entry of known) {
      try {
        const secret = await readSecret(entry.file)
        if (secret.reveal() !== entry.secret.reveal()) {
          logger.info({ file: entry.file }, 'The secret of a webhook was replaced')
        }
        entry.secret = secret
        entry.isTroubled = false
      } catch (error) {
        if (!entry.isTroubled) logger.warn({ file: entry.file }, messageOf(error))
        entry.isTroubled = true
      }
    }
  }
  const timer = setInterval(() => void refresh(), READ_AGAIN_MS).unref()
  return {
    of: (source) => known.filter((entry) => entry.source === source),
    refresh,
    close: () => {
      clearInterval(timer)
    },
  }
}

const readSecret = async (file: string): Promise<Secret> => {
  let text: string
  try {
    // Editors and `echo` end a file with a newline that is no part of the secret.
    text = (await readFile(file, 'utf8')).replace(/\r?\n$/, '')
  } catch (cause) {
    throw invalid(
      `cannot be read (${messageOf(cause)}). Correct the path or its permissions.`,
      file,
    )
  }
  if (text.length >= MIN_CHARACTERS) return new Secret(text)
  throw invalid(`has fewer than ${String(MIN_CHARACTERS)} characters. Use a longer secret.`, file)
}

const invalid = (what: string, file: string): ServiceError =>
  new ServiceError({
    code: 'CONFIG_INVALID',
    exitCode: EXIT.usage,
    message: `GATEWAY_WEBHOOK_SECRETS names ${file}, which ${what}`,
  })
