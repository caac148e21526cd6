/**
 * Where secrets are, as references: `file:/run/secrets/key`, `env:NAME`, `vault:MOUNT/PATH#FIELD`.
 * Settings hold the reference; what it stands for is read here, again and again, so that it can be
 * changed without a restart.
 */
import { readFile } from 'node:fs/promises'
import { readVariable } from '../config.ts'
import { EXIT, messageOf, ServiceError } from '../errors.ts'
import { Secret } from '../secret.ts'
import { Vault } from './vault.ts'

export interface Secrets {
  /** @throws ServiceError SECRET_INVALID, SECRET_UNAVAILABLE */
  resolve(reference: string): Promise<Secret>
  /** What leases need; to be called now and then. */
  keep(): Promise<void>
}

export interface SecretSettings {
  readonly vault:
    | { readonly address: string; readonly token: string; readonly namespace: string | undefined }
    | undefined
}

const REFERENCE = /^(file|env|vault):(.+)$/s

export const createSecrets = ({ vault: settings }: SecretSettings): Secrets => {
  const vault =
    settings &&
    new Vault({
      address: settings.address,
      namespace: settings.namespace,
      token: () => resolve(settings.token),
    })
  const resolve = async (reference: string): Promise<Secret> => {
    const [, scheme, place = ''] = REFERENCE.exec(reference) ?? []
    switch (scheme) {
      case 'file':
        return new Secret(await textOf(place))
      case 'env':
        return new Secret(variable(place))
      case 'vault':
        return new Secret(await fieldOf(vault, place))
      default:
        // Not shown: it may be the secret itself, put where its reference belongs.
        throw invalid('A reference begins with file:, env: or vault:, and this one does not.')
    }
  }
  return {
    resolve,
    async keep() {
      await vault?.keepToken()
    },
  }
}

const textOf = async (path: string): Promise<string> => {
  try {
    const text = await readFile(path, 'utf8')
    // Editors and `echo` end a file with a newline that is no part of a secret.
    return text.replace(/\r?\n$/, '')
  } catch (cause) {
    throw invalid(`${path} cannot be read (${messageOf(cause)}). Correct the path.`, cause)
  }
}

const variable = (name: string): string => {
  const value = readVariable(name)
  if (value !== undefined && value !== '') return value
  throw invalid(`The variable ${name}, which a reference names, is not set.`)
}

const fieldOf = async (vault: Vault | undefined, place: string): Promise<string> => {
  const cut = place.lastIndexOf('#')
  if (cut <= 0) throw invalid(`vault:${place} names no field. Write vault:MOUNT/PATH#FIELD.`)
  if (vault === undefined) throw invalid(`vault:${place} needs VAULT_ADDR and VAULT_TOKEN.`)
  return vault.read(place.slice(0, cut), place.slice(cut + 1))
}

const invalid = (message: string, cause?: unknown): ServiceError =>
  new ServiceError({ code: 'SECRET_INVALID', exitCode: EXIT.usage, message, cause })
