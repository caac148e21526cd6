/**
 * The thread that speaks to Kafka.
 *
 * P1: a record's key is made of its body, so a batch that is sent again comes to the same partition, where Kafka (within
 *     a producer) and the pipeline `intake` (after that) know it.
 * P2: after a batch that may or may not have arrived, another one gets a new producer: kafkajs would give it the same
 *     sequence number, and Kafka would take it for the first one and drop it.
 */
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import type { KafkaTarget } from './kafka.ts'
import type { Answer } from './outbox.ts'

export interface ThreadData extends KafkaTarget {
  /** Path of kafkajs. */
  readonly library: string
}

export interface ThreadRequest {
  readonly id: number
  readonly topic: string
  readonly bodies: readonly string[]
  /** Requests of a process that ends and waits; nobody hears an answer. */
  readonly left?: Int32Array
}

export interface ThreadAnswer {
  readonly id: number
  readonly answer: Answer
}

/** As much of kafkajs as is used. */
interface Producer {
  connect(): Promise<void>
  disconnect(): Promise<void>
  send(batch: {
    readonly topic: string
    readonly acks: -1
    readonly timeout: number
    readonly compression: number
    readonly messages: readonly { readonly key: string; readonly value: string }[]
  }): Promise<unknown>
}
interface Kafkajs {
  readonly Kafka: new (options: object) => { producer(options: object): Producer }
  readonly Partitioners: { readonly DefaultPartitioner: unknown }
  readonly CompressionTypes: { readonly GZIP: number }
  readonly logLevel: { readonly NOTHING: number }
}

const CONNECT_MS = 3_000
const REQUEST_MS = 5_000
/** More are the outbox's. */
const RETRIES = { retries: 2, initialRetryTime: 200, maxRetryTime: 1_000 }
/** Whatever is done, these bytes will not be taken. */
const HOPELESS = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD'])

/** The broker has forgotten the producer, or has others in its place. */
const NUMBERS_LOST = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
])

// kafkajs sets timers that lie in the past, and Node would say so on the application's standard error.
process.removeAllListeners('warning')

const { library, topics, ...options } = workerData as ThreadData
const { Kafka, Partitioners, CompressionTypes, logLevel } = createRequire(import.meta.url)(
  library,
) as Kafkajs
const kafka = new Kafka({
  ...options,
  brokers: [...options.brokers],
  connectionTimeout: CONNECT_MS,
  requestTimeout: REQUEST_MS,
  retry: RETRIES,
  logLevel: logLevel.NOTHING,
})

class TopicSender {
  readonly #topic: string
  #producer: Promise<Producer> | undefined
  /** Key of a batch that may have arrived. */
  #doubtful: string | undefined

  constructor(topic: string) {
    this.#topic = topic
  }

  /** What comes first finds the connection there, if it can be had. */
  prepare(): void {
    this.#connected().catch(() => undefined)
  }

  async send(body: string): Promise<Answer> {
    const key = keyOf(body) // P1
    if (this.#doubtful !== undefined && this.#doubtful !== key) this.#renew() // P2
    this.#doubtful = key
    try {
      const producer = await this.#connected()
      await producer.send({
        topic: this.#topic,
        acks: -1,
        timeout: REQUEST_MS,
        compression: CompressionTypes.GZIP,
        messages: [{ key, value: body }],
      })
      this.#doubtful = undefined
      return { kind: 'taken', refused: 0 }
    } catch (error) {
      const { type, reason } = wordsOf(error)
      if (HOPELESS.has(type)) return { kind: 'refused', reason }
      if (NUMBERS_LOST.has(type)) this.#renew()
      return { kind: 'later', reason }
    }
  }

  #connected(): Promise<Producer> {
    this.#producer ??= connected().catch((error: unknown) => {
      this.#producer = undefined
      throw error
    })
    return this.#producer
  }

  #renew(): void {
    const old = this.#producer
    this.#producer = undefined
    this.#doubtful = undefined
    old?.then((producer) => producer.disconnect()).catch(() => undefined)
  }
}

const keyOf = (body: string): string => createHash('sha256').update(body).digest('hex').slice(0, 32)

const connected = async (): Promise<Producer> => {
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: RETRIES,
  })
  try {
    await producer.connect()
    return producer
  } catch (error) {
    void producer.disconnect().catch(() => undefined)
    throw error
  }
}

/** kafkajs wraps what went wrong in what it tried. */
const wordsOf = (error: unknown): { readonly type: string; readonly reason: string } => {
  if (!(error instanceof Error)) return { type: '', reason: `Kafka: ${String(error)}` }
  const type = 'type' in error && typeof error.type === 'string' ? error.type : undefined
  if (type === undefined && error.cause instanceof Error) return wordsOf(error.cause)
  return { type: type ?? '', reason: `Kafka: ${error.message || error.name}` }
}

const senders = new Map<string, TopicSender>()

const senderTo = (topic: string): TopicSender => {
  const sender = senders.get(topic) ?? new TopicSender(topic)
  senders.set(topic, sender)
  return sender
}

senderTo(topics.traces).prepare()

/** Up to the first that is not taken. */
const sendAll = async ({ topic, bodies }: ThreadRequest): Promise<Answer> => {
  let answer: Answer = { kind: 'taken', refused: 0 }
  for (const body of bodies) {
    answer = await senderTo(topic).send(body)
    if (answer.kind === 'later') break
  }
  return answer
}

parentPort?.on('message', (request: ThreadRequest) => {
  void sendAll(request).then((answer) => {
    const { id, left } = request
    parentPort?.postMessage({ id, answer } satisfies ThreadAnswer)
    if (left === undefined) return
    Atomics.sub(left, 0, 1)
    Atomics.notify(left, 0)
  })
})
