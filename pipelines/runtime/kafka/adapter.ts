/**
 * The only file that knows kafkajs. What we keep of it is its connection: TCP, TLS, SASL, request
 * correlation and time-outs. Everything above (requests, metadata, coordinators, groups) is ours,
 * in protocol/ and cluster.ts.
 *
 * The connection is a private class of kafkajs, so the version is pinned and checked, with the
 * shapes used here, before the first connection is made.
 */
import { createRequire } from 'node:module'
import net from 'node:net'
import tls from 'node:tls'
import type { AnswerMemory } from './answer-memory.ts'
import { KafkaError } from './kafka-error.ts'
import type { KafkaLogger } from './logger.ts'
import type { Api } from './protocol/api.ts'
import { apiVersionsApi } from './protocol/metadata.ts'
import type { ApiVersionRange } from './protocol/metadata.ts'
import { WireReader, WireWriter } from './protocol/wire.ts'
import { ResponseAssembler } from './response-assembler.ts'

export interface SaslOptions {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  /** Asked for each log-in: it may have been replaced. */
  readonly password: () => Promise<string>
}

export interface ConnectionOptions {
  readonly host: string
  readonly port: number
  readonly clientId: string
  readonly ssl?: tls.ConnectionOptions | undefined
  readonly sasl?: SaslOptions | undefined
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly logger: KafkaLogger
  /** Where answers are put. */
  readonly memory: AnswerMemory
}

const SUPPORTED_KAFKAJS = '2.2.4'
const KEEP_ALIVE_DELAY_MS = 60_000
const ONE_WRITE_BYTES = 16 * 1024
/** What all sockets read into, one after the other: whoever is given it copies what it keeps. */
const READ_BUFFER = Buffer.allocUnsafeSlow(256 * 1024)

interface RequestEntry {
  readonly apiKey: number
  readonly apiName: string
  readonly apiVersion: number
  readonly correlationId: number
  readonly resolve: (answer: { readonly payload: Buffer }) => void
  readonly reject: (error: Error) => void
}

interface KafkaJsRequestQueue {
  readonly pending: readonly unknown[]
  push(request: {
    readonly entry: RequestEntry
    readonly expectResponse: boolean
    readonly requestTimeout: number
    readonly sendRequest: () => void
  }): void
  rejectAll(error: Error): void
  fulfillRequest(answer: {
    readonly correlationId: number
    readonly payload: Buffer
    readonly size: number
  }): void
  scheduleCheckPendingRequests: (this: KafkaJsRequestQueue) => void
}

interface KafkaJsConnection {
  readonly requestQueue: KafkaJsRequestQueue
  readonly socket: net.Socket
  readonly sasl: { password: string } | null
  /** Set while a login's bytes come that are no answers. */
  readonly authHandlers: object | null
  processData(bytes: Uint8Array): void
  connect(): Promise<unknown>
  disconnect(): Promise<unknown>
  isConnected(): boolean
  isAuthenticated(): boolean
  authenticate(): Promise<void>
  setVersions(versions: Readonly<Record<number, ApiVersionRange>>): void
  setSupportAuthenticationProtocol(supported: boolean): void
  nextCorrelationId(): number
}

interface KafkaJsParts {
  readonly Connection: new (options: object) => KafkaJsConnection
  readonly createLogger: (options: object) => object
}

const CONNECTION_METHODS = [
  'connect',
  'disconnect',
  'isConnected',
  'isAuthenticated',
  'authenticate',
  'processData',
  'setVersions',
  'setSupportAuthenticationProtocol',
  'nextCorrelationId',
]

let loaded: KafkaJsParts | undefined

/** Loads the pinned kafkajs once; throws KAFKAJS_UNSUPPORTED when it is not what we know. */
function kafkaJs(): KafkaJsParts {
  if (loaded !== undefined) return loaded
  const load = createRequire(import.meta.url)
  const { version } = load('kafkajs/package.json') as { version: string }
  assertShape(version === SUPPORTED_KAFKAJS, `version is ${version}`)
  const Connection = load('kafkajs/src/network/connection') as KafkaJsParts['Connection']
  const RequestQueue = load('kafkajs/src/network/requestQueue') as {
    readonly prototype: KafkaJsRequestQueue
  }
  const { createLogger } = load('kafkajs/src/loggers') as KafkaJsParts
  assertShape(typeof createLogger === 'function', 'createLogger is gone')
  const prototype = Connection.prototype as Record<string, unknown>
  for (const method of CONNECTION_METHODS) {
    assertShape(typeof prototype[method] === 'function', `Connection.${method} is gone`)
  }
  scheduleOnlyWhatIsPending(RequestQueue.prototype)
  loaded = { Connection, createLogger }
  return loaded
}

function assertShape(holds: boolean, fact: string): void {
  if (holds) return
  throw new KafkaError(
    'KAFKAJS_UNSUPPORTED',
    `kafkajs ${SUPPORTED_KAFKAJS} is needed but ${fact}; run npm ci`,
  )
}

/**
 * kafkajs arms a timer with a negative delay after every response, which fires at once: a busy loop
 * under load and a warning on Node 24 (tulios/kafkajs #1751). The timer is needed only while
 * requests wait for a throttled connection.
 */
function scheduleOnlyWhatIsPending(queue: KafkaJsRequestQueue): void {
  const { scheduleCheckPendingRequests: original } = queue
  assertShape(typeof original === 'function', 'RequestQueue.scheduleCheckPendingRequests is gone')
  queue.scheduleCheckPendingRequests = function (this: KafkaJsRequestQueue) {
    if (this.pending.length > 0) original.call(this)
  }
}

/** One TCP or TLS connection to one broker, authenticated. Once closed it stays closed. */
export class BrokerConnection {
  readonly address: string
  readonly #connection: KafkaJsConnection
  readonly #options: ConnectionOptions
  readonly #clientId: Buffer
  #ranges: ReadonlyMap<number, ApiVersionRange> = new Map()
  #closed = false

  private constructor(connection: KafkaJsConnection, options: ConnectionOptions) {
    this.#connection = connection
    this.#options = options
    this.#clientId = Buffer.from(options.clientId, 'utf8')
    this.address = `${options.host}:${String(options.port)}`
    this.#assembleAnswers()
  }

  /**
   * Connects, asks for the API versions and authenticates. Throws KafkaError BROKER_UNREACHABLE
   * (retryable) or SASL_AUTHENTICATION_FAILED.
   */
  static async open(options: ConnectionOptions): Promise<BrokerConnection> {
    const { Connection, createLogger } = kafkaJs()
    const raw: KafkaJsConnection = new Connection({
      host: options.host,
      port: options.port,
      clientId: options.clientId,
      ssl: options.ssl ?? null,
      // The password comes with each log-in.
      sasl: options.sasl === undefined ? null : { ...options.sasl, password: '' },
      connectionTimeout: options.connectTimeoutMs,
      requestTimeout: options.requestTimeoutMs,
      enforceRequestTimeout: true,
      socketFactory: (target: SocketTarget) =>
        openSocket(target, (bytes) => {
          raw.processData(bytes)
        }),
      logger: createLogger({ level: KAFKAJS_WARN, logCreator: logTo(options.logger) }),
    })
    const connection = new BrokerConnection(raw, options)
    await connection.#connect()
    return connection
  }

  isOpen(): boolean {
    return !this.#closed && this.#connection.isConnected()
  }

  /** Sends one request and decodes its answer. Requests are answered in order. */
  async send<Request, Response>(
    api: Api<Request, Response>,
    request: Request,
    timeoutMs = this.#options.requestTimeoutMs,
  ): Promise<Response> {
    this.#checkVersion(api)
    if (this.#options.sasl !== undefined && !this.#connection.isAuthenticated()) {
      await this.#authenticate()
    }
    return this.#exchange(api, request, timeoutMs)
  }

  /** Requests in flight fail with CONNECTION_LOST. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#connection.requestQueue.rejectAll(this.#lost('the connection was closed'))
    this.#connection.disconnect().catch(() => undefined)
    this.#connection.socket.destroy()
  }

  /** kafkajs would keep every chunk, and join them when all have come. */
  #assembleAnswers(): void {
    const connection = this.#connection
    const processLogin = connection.processData.bind(connection)
    const answers = new ResponseAssembler({
      memory: this.#options.memory,
      onAnswer: ({ correlationId, payload }) => {
        connection.requestQueue.fulfillRequest({ correlationId, payload, size: payload.length })
      },
      onInvalidSize: (sizeBytes) => {
        const reason = `it sent ${String(sizeBytes)} as the size of an answer; is it Kafka?`
        connection.requestQueue.rejectAll(this.#lost(reason))
        this.close()
      },
    })
    connection.processData = (bytes) => {
      if (connection.authHandlers === null) answers.take(bytes)
      else processLogin(Buffer.from(bytes))
    }
  }

  async #connect(): Promise<void> {
    try {
      await this.#connection.connect()
      this.#connection.socket.once('close', () => {
        this.close()
      })
      await this.#learnVersions()
    } catch (cause) {
      this.#dispose()
      throw new KafkaError(
        'BROKER_UNREACHABLE',
        `Cannot reach Kafka at ${this.address}: ${messageOf(cause)}; check KAFKA_BROKERS and that the broker runs`,
        { retryable: true, cause },
      )
    }
    if (this.#options.sasl !== undefined) await this.#authenticate()
  }

  async #learnVersions(): Promise<void> {
    const answer = await this.#exchange(apiVersionsApi, undefined, this.#options.connectTimeoutMs)
    this.#ranges = answer.ranges
    this.#connection.setVersions(Object.fromEntries(answer.ranges))
    this.#connection.setSupportAuthenticationProtocol(true)
  }

  async #authenticate(): Promise<void> {
    const { sasl } = this.#connection
    try {
      if (sasl !== null) sasl.password = (await this.#options.sasl?.password()) ?? ''
    } catch (cause) {
      this.#dispose()
      throw cause
    }
    try {
      await this.#connection.authenticate()
    } catch (cause) {
      this.#dispose()
      if (cause instanceof KafkaError) throw cause
      throw new KafkaError(
        'SASL_AUTHENTICATION_FAILED',
        `Kafka at ${this.address} refused the ${this.#options.sasl?.mechanism ?? ''} login: ${messageOf(cause)}; check KAFKA_SASL_*`,
        { cause, retryable: isConnectionLoss(cause) },
      )
    }
  }

  #dispose(): void {
    // The socket exists from the first connect() on, even if that failed.
    this.#closed = true
    this.#connection.disconnect().catch(() => undefined)
    const socket = this.#connection.socket as net.Socket | undefined
    socket?.destroy()
  }

  #checkVersion(api: Api<never, unknown>): void {
    const range = this.#ranges.get(api.key)
    if (range !== undefined && range.minVersion <= api.version && api.version <= range.maxVersion) {
      return
    }
    const offered =
      range === undefined ? 'none' : `${String(range.minVersion)} to ${String(range.maxVersion)}`
    throw new KafkaError(
      'UNSUPPORTED_VERSION',
      `Kafka at ${this.address} does not speak ${api.name} version ${String(api.version)} (it offers ${offered}); use Kafka 2.8 or later`,
    )
  }

  async #exchange<Request, Response>(
    api: Api<Request, Response>,
    request: Request,
    timeoutMs: number,
  ): Promise<Response> {
    const writer = new WireWriter(api.flexible)
    api.write(writer, request)
    const payload = await this.#roundTrip(api, writer.finish(), timeoutMs)
    try {
      const reader = new WireReader(payload, api.flexible)
      reader.tags() // response header version 1; nothing to skip in version 0
      return api.read(reader)
    } catch (cause) {
      throw new KafkaError(
        'RESPONSE_UNREADABLE',
        `The ${api.name} answer of Kafka at ${this.address} (${String(payload.length)} bytes) cannot be decoded`,
        { cause },
      )
    }
  }

  #roundTrip(
    api: Api<never, unknown>,
    body: readonly Buffer[],
    timeoutMs: number,
  ): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#closed || !this.#connection.isConnected()) {
        reject(this.#lost('the connection is closed'))
        return
      }
      const correlationId = this.#connection.nextCorrelationId()
      const header = this.#header(api, correlationId, body)
      this.#connection.requestQueue.push({
        entry: {
          apiKey: api.key,
          apiName: api.name,
          apiVersion: api.version,
          correlationId,
          resolve: ({ payload }) => {
            resolve(payload)
          },
          reject: (error) => {
            reject(this.#asKafkaError(error, api.name))
          },
        },
        expectResponse: true,
        requestTimeout: timeoutMs,
        sendRequest: () => {
          this.#write([header, ...body])
        },
      })
    })
  }

  /** Small requests leave as one buffer, which costs less than gathering; large ones uncopied. */
  #write(parts: readonly Buffer[]): void {
    const { socket } = this.#connection
    const sizeBytes = parts.reduce((sum, part) => sum + part.length, 0)
    if (sizeBytes <= ONE_WRITE_BYTES) {
      socket.write(Buffer.concat(parts, sizeBytes))
      return
    }
    socket.cork()
    for (const part of parts) socket.write(part)
    socket.uncork()
  }

  #header(api: Api<never, unknown>, correlationId: number, body: readonly Buffer[]): Buffer {
    const clientId = this.#clientId
    const header = Buffer.allocUnsafe(14 + clientId.length + (api.flexible ? 1 : 0))
    const bodyBytes = body.reduce((sum, part) => sum + part.length, 0)
    header.writeInt32BE(header.length - 4 + bodyBytes, 0)
    header.writeInt16BE(api.key, 4)
    header.writeInt16BE(api.version, 6)
    header.writeInt32BE(correlationId, 8)
    header.writeInt16BE(clientId.length, 12)
    clientId.copy(header, 14)
    if (api.flexible) header.writeInt8(0, header.length - 1)
    return header
  }

  #asKafkaError(error: Error, request: string): KafkaError {
    if (error instanceof KafkaError) return error
    if (error.name !== 'KafkaJSRequestTimeoutError') return this.#lost(error.message, error)
    // The broker may still read what we wrote; whoever retries must find a clean connection.
    queueMicrotask(() => {
      this.close()
    })
    return new KafkaError(
      'REQUEST_TIMED_OUT',
      `Kafka at ${this.address} did not answer ${request} in time`,
      { retryable: true, cause: error },
    )
  }

  #lost(reason: string, cause?: Error): KafkaError {
    return new KafkaError('CONNECTION_LOST', `Lost Kafka at ${this.address}: ${reason}`, {
      retryable: true,
      cause,
    })
  }
}

interface SocketTarget {
  readonly host: string
  readonly port: number
  readonly ssl: tls.ConnectionOptions | null
  readonly onConnect: () => void
}

/** `onBytes` gets what a plain socket reads, in a buffer that is used again; TLS emits `data`. */
function openSocket(target: SocketTarget, onBytes: (bytes: Uint8Array) => void): net.Socket {
  const { host, port, ssl, onConnect } = target
  const servername = net.isIP(host) === 0 ? { servername: host } : {}
  const onread = {
    buffer: READ_BUFFER,
    callback: (sizeBytes: number, buffer: Uint8Array): boolean => {
      onBytes(buffer.subarray(0, sizeBytes))
      return true
    },
  }
  const socket =
    ssl === null
      ? net.connect({ host, port, onread }, onConnect)
      : tls.connect({ host, port, ...servername, ...ssl }, onConnect)
  socket.setNoDelay(true)
  socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS)
  return socket
}

const KAFKAJS_ERROR = 1
const KAFKAJS_WARN = 2

/** Its errors reach us as rejections too and are reported where they are handled. */
const logTo =
  (logger: KafkaLogger) =>
  () =>
  (entry: { readonly level: number; readonly log: { readonly message: string } }): void => {
    const { message } = entry.log
    if (entry.level === KAFKAJS_ERROR) logger.debug({ source: 'kafkajs' }, message)
    else logger.warn({ source: 'kafkajs' }, message)
  }

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

const isConnectionLoss = (error: unknown): boolean =>
  error instanceof Error && /^KafkaJSConnection/.test(error.name)
