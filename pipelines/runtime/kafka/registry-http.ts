/**
 * One HTTP exchange with a Confluent-compatible schema registry, and what its answer means.
 *
 * node:http(s) for whoever reads records, and for what @kafkajs/confluent-schema-registry does not
 * offer (versions, rules): a pipeline must tell "there is no such schema" (a dead letter) from "the
 * registry is not there" (wait), and that package says status 400 or 404 for both. Registering goes
 * through the package: registry-package.ts; docs/adr/0007 has the evidence.
 *
 *   H1  Every exchange ends within `requestTimeoutMs`, body included.
 *   H2  "Missing" needs the registry's own error code: a proxy or a wrong path also says 404, and
 *       taking that for an answer would turn every record into a dead letter.
 */
import { request as httpRequest, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { text } from 'node:stream/consumers'
import { KafkaError } from './kafka-error.ts'

export interface RegistryConnection {
  /** Up to and including the path of the API, e.g. `http://127.0.0.1:8081/apis/ccompat/v7`. */
  readonly url: string
  readonly login?: RegistryLogin | undefined
  /** PEM of the authority that signed the registry's certificate, if it is not a public one. */
  readonly tls?: { readonly ca: string | undefined } | undefined
  readonly requestTimeoutMs?: number
}

export interface RegistryLogin {
  readonly username: string
  /** Asked for each request: it may have been replaced. */
  readonly password: () => Promise<string>
}

export interface RegistryRequest {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** Each is escaped: subjects may contain anything. */
  readonly path: readonly (string | number)[]
  readonly body?: unknown
}

/** `missing`: the registry itself says that there is no such schema, subject or version. */
export type RegistryAnswer =
  | { readonly kind: 'ok'; readonly body: unknown }
  | { readonly kind: 'missing'; readonly message: string }

const MEDIA_TYPE = 'application/vnd.schemaregistry.v1+json'
export const REGISTRY_TIMEOUT_MS = 5_000

/** Throws KafkaError: REGISTRY_UNREACHABLE (retryable) or one of the codes of `refusalOf`. */
export const askRegistry = async (
  connection: RegistryConnection,
  request: RegistryRequest,
): Promise<RegistryAnswer> => {
  const what = `${request.method} /${request.path.join('/')}`
  let status: number
  let body: string
  try {
    ;({ status, body } = await exchange(connection, request))
  } catch (cause) {
    throw noAnswer(connection, what, cause)
  }
  if (status >= 200 && status < 300) {
    const parsed = parseJson(body)
    if (parsed !== undefined) return { kind: 'ok', body: parsed }
    throw notRegistry(connection, what)
  }
  const { code, message } = errorBodyOf(body)
  if (status === 404 && code !== undefined && code > 40_400 && code < 40_500) {
    return { kind: 'missing', message }
  }
  throw refusalIn(connection, what, { status, message })
}

/** What a status says that is no answer to the question. */
export const refusalIn = (
  connection: RegistryConnection,
  what: string,
  { status, message }: { readonly status: number; readonly message: string },
): KafkaError => {
  if (status >= 500 || status === 408 || status === 429) {
    return unreachable(connection, what, `status ${status}: ${message}`)
  }
  return refusalOf(connection, what, { status, message })
}

/** Something answers at that address, but not as a registry does. */
export const notRegistry = (connection: RegistryConnection, what: string): KafkaError =>
  unreachable(connection, what, 'an answer that no registry gives; is the URL the registry?')

const exchange = async (
  connection: RegistryConnection,
  { method, path, body }: RegistryRequest,
): Promise<{ status: number; body: string }> => {
  const url = new URL(
    `${connection.url.replace(/\/+$/, '')}/${path.map((part) => encodeURIComponent(part)).join('/')}`,
  )
  const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  const { login, tls, requestTimeoutMs = REGISTRY_TIMEOUT_MS } = connection
  const options: RequestOptions & { ca?: string } = {
    method,
    signal: AbortSignal.timeout(requestTimeoutMs), // H1
    headers: {
      accept: `${MEDIA_TYPE}, application/json`,
      ...(payload === undefined
        ? {}
        : { 'content-type': MEDIA_TYPE, 'content-length': payload.length }),
    },
    ...(login === undefined ? {} : { auth: `${login.username}:${await login.password()}` }),
    ...(tls?.ca === undefined ? {} : { ca: tls.ca }),
  }
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const outgoing = send(url, options, (response) => {
      // Rejects when the connection breaks off before the end of the body.
      text(response).then((received) => {
        resolve({ status: response.statusCode ?? 0, body: received })
      }, reject)
    })
    outgoing.on('error', reject)
    outgoing.end(payload)
  })
}

const parseJson = (body: string): unknown => {
  try {
    return JSON.parse(body) as unknown
  } catch {
    return undefined
  }
}

const errorBodyOf = (body: string): { code: number | undefined; message: string } => {
  const parsed = parseJson(body)
  const fields = typeof parsed === 'object' && parsed !== null ? parsed : {}
  const code = 'error_code' in fields ? Number(fields.error_code) : undefined
  const message = 'message' in fields ? String(fields.message) : body
  return { code, message: message.slice(0, 1000) }
}

/** The registry could not be asked, or did not answer in time. */
export const noAnswer = (
  connection: RegistryConnection,
  what: string,
  cause: unknown,
): KafkaError => unreachable(connection, what, reasonOf(cause, connection), cause)

const reasonOf = (
  cause: unknown,
  { requestTimeoutMs = REGISTRY_TIMEOUT_MS }: RegistryConnection,
) => {
  if (!(cause instanceof Error)) return String(cause)
  if (cause.name === 'TimeoutError' || cause.name === 'AbortError') {
    return `no answer within ${requestTimeoutMs} ms`
  }
  return cause.message === '' && 'code' in cause ? String(cause.code) : cause.message
}

const unreachable = (
  { url }: RegistryConnection,
  what: string,
  reason: string,
  cause?: unknown,
): KafkaError =>
  new KafkaError(
    'REGISTRY_UNREACHABLE',
    `The schema registry at ${url} cannot be asked (${what}): ${reason}; check that it runs and SCHEMA_REGISTRY_URL`,
    { retryable: true, cause },
  )

const refusalOf = (
  { url }: RegistryConnection,
  what: string,
  { status, message }: { readonly status: number; readonly message: string },
): KafkaError => {
  const said = `The schema registry at ${url} answered ${what} with ${status}: ${message}`
  if (status === 401 || status === 403) {
    const remedy = 'check SCHEMA_REGISTRY_USERNAME and its password'
    return new KafkaError('REGISTRY_UNAUTHORIZED', `${said}; ${remedy}`)
  }
  if (status === 409) {
    return new KafkaError(
      'SCHEMA_INCOMPATIBLE',
      `${said}; an incompatible change needs a new topic`,
    )
  }
  return new KafkaError('REGISTRY_REFUSED', `${said}; check SCHEMA_REGISTRY_URL`)
}
