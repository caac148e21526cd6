/**
 * HashiCorp Vault, key-value engine version 2, over HTTP
 * (developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2, .../auth/token).
 *
 * Tokens are leased: one that may be renewed is renewed when half of its time is over. One that has
 * reached its longest life cannot be: then whoever issued it writes a new one where `token` reads it.
 */
import { EXIT, messageOf, ServiceError } from '../errors.ts'
import type { Secret } from '../secret.ts'

export interface VaultOptions {
  readonly address: string
  /** Read for each request: it may have been replaced. */
  readonly token: () => Promise<Secret>
  readonly namespace?: string | undefined
}

const TIMEOUT_MS = 5_000
const MAX_ANSWER_BYTES = 1024 * 1024

interface VaultRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
}

export class Vault {
  readonly #options: VaultOptions

  constructor(options: VaultOptions) {
    this.#options = options
  }

  /** The newest version of `MOUNT/PATH`, its field. */
  async read(path: string, field: string): Promise<string> {
    const [mount = '', ...rest] = path.split('/')
    const within = rest.map(encodeURIComponent).join('/')
    const answer = await this.#ask({
      method: 'GET',
      path: `${encodeURIComponent(mount)}/data/${within}`,
    })
    const value = at(answer, 'data', 'data', field)
    if (typeof value === 'string') return value
    throw invalid(`Vault has no text in the field '${field}' of ${path}. Correct the reference.`)
  }

  /** Seconds that the token has; renewed when that is less than half of what it was given. */
  async keepToken(): Promise<number> {
    const own = await this.#ask({ method: 'GET', path: 'auth/token/lookup-self' })
    const [ttl, given] = [secondsAt(own, 'ttl'), secondsAt(own, 'creation_ttl')]
    // Root tokens have no end: both are 0.
    if (given === 0) return Infinity
    if (at(own, 'data', 'renewable') !== true || ttl >= given / 2) return ttl
    const renewed = await this.#ask({ method: 'POST', path: 'auth/token/renew-self' })
    const lease = at(renewed, 'auth', 'lease_duration')
    return typeof lease === 'number' ? lease : ttl
  }

  async #ask({ method, path }: VaultRequest): Promise<unknown> {
    const { address, namespace } = this.#options
    const token = await this.#options.token()
    const headers = {
      'x-vault-token': token.reveal(),
      'x-vault-request': 'true',
      ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
    }
    let answer: Response
    let text: string
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS)
      answer = await fetch(`${address}/v1/${path}`, { method, headers, signal, redirect: 'error' })
      text = await textOf(answer)
    } catch (cause) {
      throw unavailable(`Vault at ${address} does not answer (${messageOf(cause)})`, cause)
    }
    if (answer.ok) return parse(text, path)
    throw refusal(answer.status, path)
  }
}

const textOf = async (answer: Response): Promise<string> => {
  const parts: Uint8Array[] = []
  let bytes = 0
  const body: AsyncIterable<Uint8Array> | null = answer.body
  if (body === null) return ''
  for await (const part of body) {
    bytes += part.length
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`more than ${MAX_ANSWER_BYTES} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}

const parse = (text: string, path: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw unavailable(`Vault answers ${path} with something that is no JSON`)
  }
}

/** 404 stands for a path that is not there, and for a version that was deleted. */
const refusal = (status: number, path: string): ServiceError => {
  if (status === 404) return invalid(`Vault has nothing at ${path}. Correct the reference.`)
  if (status === 403) {
    return invalid(`Vault refuses the token for ${path}. Correct VAULT_TOKEN or its policy.`)
  }
  if (status === 400) return invalid(`Vault does not understand the request for ${path}.`)
  const why = status === 503 ? 'is sealed or in maintenance' : `answers ${status}`
  return unavailable(`Vault ${why} (${path})`)
}

const secondsAt = (answer: unknown, field: string): number => {
  const value = at(answer, 'data', field)
  return typeof value === 'number' ? value : 0
}

const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (inner, name) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, name)
        ? Reflect.get(inner, name)
        : undefined,
    value,
  )

const invalid = (message: string): ServiceError =>
  new ServiceError({ code: 'SECRET_INVALID', exitCode: EXIT.usage, message })

const unavailable = (message: string, cause?: unknown): ServiceError =>
  new ServiceError({
    code: 'SECRET_UNAVAILABLE',
    exitCode: EXIT.unreachable,
    retryable: true,
    message,
    cause,
  })
