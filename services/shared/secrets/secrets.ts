/**
 * Where secrets are, as references: `file:/run/secrets/key`, `env:NAME`, `vault:MOUNT/PATH#FIELD`.
 * The configuration holds a `LiveSecret` for each; what it stands for is read when it is needed, and
 * again and again while a service runs, so that it can be changed without a restart.
 *
 * R1: what is read holds until something else is read that can be used: a replacement that is half
 *     done (a file that was emptied, a Vault that is away) locks nobody out.
 * R2: no message holds a secret, nor a text that might be one.
 */
import { readFile } from 'node:fs/promises'
import { EXIT, messageOf, ServiceError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { Secret } from '../secret.ts'
import { Vault } from './vault.ts'

export interface SecretSettings {
  readonly vault:
    | { readonly address: string; readonly token: string; readonly namespace: string | undefined }
    | undefined
  /** The environment that `env:` names. */
  readonly variable: (name: string) => string | undefined
}

export interface SecretPlace {
  /** The setting that says where it is. */
  readonly name: string
  readonly reference: string
  /** What is wrong with a text, if anything: 'has fewer than 16 characters'. */
  readonly faultOf?: (text: string) => string | undefined
}

const REFERENCE = /^(file|env|vault):(.+)$/s

export const isReference = (text: string): boolean => REFERENCE.test(text)

/** All secrets of a configuration. */
export class Secrets {
  readonly #settings: SecretSettings
  readonly #vault: Vault | undefined
  readonly #known: LiveSecret[] = []
  #isTroubled = false

  constructor(settings: SecretSettings) {
    this.#settings = settings
    const { vault } = settings
    if (vault === undefined) return
    const { address, namespace, token } = vault
    this.#vault = new Vault({ address, namespace, token: () => this.#resolve(token) })
  }

  /** Nothing is read yet. */
  at(place: SecretPlace): LiveSecret {
    const secret = new LiveSecret(place, (reference) => this.#resolve(reference))
    this.#known.push(secret)
    return secret
  }

  /** @throws ServiceError SECRET_INVALID, SECRET_UNAVAILABLE when one of them cannot be had */
  async readAll(): Promise<void> {
    await Promise.all(this.#known.map((secret) => secret.current()))
  }

  /** Reads all of them again, and keeps the token of Vault. What fails is warned of, once (R1). */
  async refresh(logger: Pick<Logger, 'warn' | 'info'>): Promise<void> {
    try {
      await this.#vault?.keepToken()
      this.#isTroubled = false
    } catch (error) {
      const said = 'The token of Vault cannot be looked after'
      if (!this.#isTroubled) logger.warn({ error: messageOf(error) }, said)
      this.#isTroubled = true
    }
    await Promise.all(this.#known.map((secret) => secret.refresh(logger)))
  }

  async #resolve(reference: string): Promise<Secret> {
    const [, scheme, place = ''] = REFERENCE.exec(reference) ?? []
    switch (scheme) {
      case 'file':
        return new Secret(await textOf(place))
      case 'env':
        return new Secret(this.#variable(place))
      case 'vault':
        return new Secret(await fieldOf(this.#vault, place))
      default:
        // Not shown: it may be the secret itself, put where its reference belongs (R2).
        throw invalid('A reference begins with file:, env: or vault:, and this one does not.')
    }
  }

  #variable(name: string): string {
    const value = this.#settings.variable(name)
    if (value !== undefined) return value
    throw invalid(`The variable ${name}, which a reference names, is not set.`)
  }
}

/** One secret: where it is, and what it is by now. */
export class LiveSecret {
  readonly #place: SecretPlace
  readonly #resolve: (reference: string) => Promise<Secret>
  #reading: Promise<Secret> | undefined
  #last: Secret | undefined
  #isTroubled = false

  constructor(place: SecretPlace, resolve: (reference: string) => Promise<Secret>) {
    this.#place = place
    this.#resolve = resolve
  }

  /** As it was read last; read now if it never was. */
  async current(): Promise<Secret> {
    if (this.#last !== undefined) return this.#last
    this.#reading ??= this.read().finally(() => {
      this.#reading = undefined
    })
    return (this.#last = await this.#reading)
  }

  /** For who cannot wait: as it was read last. */
  get last(): Secret | undefined {
    return this.#last
  }

  /** As it is at this moment. */
  async read(): Promise<Secret> {
    const { name, reference, faultOf } = this.#place
    let secret: Secret
    try {
      secret = await this.#resolve(reference)
    } catch (cause) {
      if (!(cause instanceof ServiceError)) throw cause
      const { code, exitCode, retryable, message } = cause
      throw new ServiceError({ code, exitCode, retryable, message: `${name}: ${message}`, cause })
    }
    const fault = faultOfText(secret.reveal(), faultOf)
    if (fault === undefined) return secret
    throw invalid(`${name} refers to a secret (${reference}) that ${fault}.`)
  }

  async refresh(logger: Pick<Logger, 'warn' | 'info'>): Promise<void> {
    const { name, reference } = this.#place
    try {
      const secret = await this.read()
      if (this.#last !== undefined && secret.reveal() !== this.#last.reveal()) {
        logger.info({ setting: name, reference }, 'A secret was replaced')
      }
      this.#last = secret
      this.#isTroubled = false
    } catch (error) {
      if (!this.#isTroubled) {
        const has = this.#last === undefined ? 'there is none yet' : 'the last one holds'
        logger.warn({ error: messageOf(error) }, `A secret cannot be read; ${has}`)
      }
      this.#isTroubled = true
    }
  }

  toJSON(): string {
    return this.#place.reference
  }
}

/** What was emptied, to be written anew, is no secret. */
const faultOfText = (text: string, faultOf: SecretPlace['faultOf']): string | undefined =>
  text === '' ? 'is empty' : faultOf?.(text)

const textOf = async (path: string): Promise<string> => {
  try {
    const text = await readFile(path, 'utf8')
    // Editors and `echo` end a file with a newline that is no part of a secret.
    return text.replace(/\r?\n$/, '')
  } catch (cause) {
    throw invalid(`${path} cannot be read (${messageOf(cause)}). Correct the path.`, cause)
  }
}

const fieldOf = async (vault: Vault | undefined, place: string): Promise<string> => {
  const cut = place.lastIndexOf('#')
  if (cut <= 0) throw invalid(`vault:${place} names no field. Write vault:MOUNT/PATH#FIELD.`)
  if (vault === undefined) throw invalid(`vault:${place} needs VAULT_ADDR and VAULT_TOKEN.`)
  return vault.read(place.slice(0, cut), place.slice(cut + 1))
}

const invalid = (message: string, cause?: unknown): ServiceError =>
  new ServiceError({ code: 'SECRET_INVALID', exitCode: EXIT.usage, message, cause })
