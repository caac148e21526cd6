/**
 * A Kafka client that looks on: which transactions of this process are open, what the broker says to
 * them, and when a restore is under way. The runtime knows nothing of it.
 */
import { KafkaCluster, KafkaError } from '../../pipelines/runtime/kafka/index.ts'
import type { SendOptions } from '../../pipelines/runtime/kafka/index.ts'
import type { Api } from '../../pipelines/runtime/kafka/protocol/api.ts'
import { brokerErrorCode } from '../../pipelines/runtime/kafka/kafka-error.ts'
import { COMMITTED, type TransactionName } from './orders.ts'

/** Not an end: the same request is sent again. */
const NOT_NOW: ReadonlySet<string> = new Set([
  'CONCURRENT_TRANSACTIONS',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'NOT_ENOUGH_REPLICAS',
])
/** Requests that tell a process whether its group still knows it. */
const OF_MEMBERSHIP: ReadonlySet<string> = new Set(['JoinGroup', 'SyncGroup', 'Heartbeat'])
const CHANGELOG = '.changelog'
/** In the header of a record batch of format 2. */
const PRODUCER_ID_AT = 43
const PRODUCER_EPOCH_AT = 51

export class WitnessCluster extends KafkaCluster {
  /** Begun, and no EndTxn sent. */
  readonly open = new Set<TransactionName>()
  /** Requests of transactions that the broker has not answered. */
  inFlight = 0
  /**
   * Whether what was asked of the broker is heard out although its task is given up. A zombie may
   * learn from its group, a moment before, that it is one: then nothing would show that the broker
   * refuses it, too.
   */
  hearsOut = false
  readonly #closeLater = new Set<string>()
  /** What became of a transaction, request by request: `committed`, or an error. */
  onVerdict: (transaction: TransactionName, answer: string) => void = () => undefined
  /** An answer with records of a changelog, before the task has seen it. */
  onRestoreAnswer: (topic: string) => void = () => undefined

  override async send<Request, Response>(
    nodeId: number,
    api: Api<Request, Response>,
    request: Request,
    options: SendOptions = {},
  ): Promise<Response> {
    const transaction = transactionOf(request)
    if (transaction !== undefined && api.name === 'EndTxn') this.open.delete(transaction)
    if (transaction !== undefined) this.inFlight += 1
    try {
      const answer = await super.send(nodeId, api, request, options)
      if (transaction !== undefined) this.#witness(api.name, transaction, worstErrorOf(answer))
      if (api.name === 'Fetch') this.#watchRestore(request, answer)
      if (OF_MEMBERSHIP.has(api.name)) this.#watchMembership(worstErrorOf(answer))
      return answer
    } catch (error) {
      // Whatever it was: no transaction is gone on with after that.
      if (transaction !== undefined) {
        this.open.delete(transaction)
        this.onVerdict(transaction, error instanceof KafkaError ? error.code : String(error))
      }
      throw error
    } finally {
      if (transaction !== undefined) this.inFlight -= 1
      if (this.inFlight === 0) this.#closeHeardOut()
    }
  }

  override closeChannel(channel: string): void {
    if (this.hearsOut && this.inFlight > 0 && channel.startsWith('txn')) {
      this.#closeLater.add(channel)
    } else super.closeChannel(channel)
  }

  #closeHeardOut(): void {
    for (const channel of this.#closeLater) super.closeChannel(channel)
    this.#closeLater.clear()
  }

  #witness(request: string, transaction: TransactionName, errorCode: number): void {
    if (errorCode === 0) {
      if (request.startsWith('Add')) this.open.add(transaction)
      if (request === 'EndTxn') this.onVerdict(transaction, COMMITTED)
      return
    }
    const code = brokerErrorCode(errorCode)
    if (NOT_NOW.has(code)) return
    this.open.delete(transaction)
    this.onVerdict(transaction, code)
  }

  /** Thrown out: what is open then is given up, and no request of it may ever be sent. */
  #watchMembership(errorCode: number): void {
    if (brokerErrorCode(errorCode) !== 'UNKNOWN_MEMBER_ID') return
    for (const transaction of this.open) this.onVerdict(transaction, 'UNKNOWN_MEMBER_ID')
  }

  #watchRestore(request: unknown, answer: unknown): void {
    const [position] = listIn(request, 'positions')
    const [fetched] = listIn(answer, 'partitions')
    const topic = fieldOf(position, 'topic')
    const bytes = fieldOf(fetched, 'bytes')
    if (typeof topic !== 'string' || !topic.endsWith(CHANGELOG)) return
    if (bytes instanceof Uint8Array && bytes.length > 0) this.onRestoreAnswer(topic)
  }
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined

const listIn = (value: unknown, name: string): readonly unknown[] => {
  const list = fieldOf(value, name)
  return Array.isArray(list) ? list : []
}

/** Requests of a transaction say whose it is; of produced records their batches do. */
const transactionOf = (request: unknown): TransactionName | undefined => {
  const id = fieldOf(request, 'transactionalId')
  if (typeof id !== 'string') return undefined
  const epoch = fieldOf(request, 'producerEpoch')
  if (typeof epoch === 'number') return `${id}/${String(fieldOf(request, 'producerId'))}/${epoch}`
  const [first] = listIn(request, 'batches')
  const batch = fieldOf(first, 'batch')
  if (!Buffer.isBuffer(batch)) return undefined
  return `${id}/${batch.readBigInt64BE(PRODUCER_ID_AT)}/${batch.readInt16BE(PRODUCER_EPOCH_AT)}`
}

/** Answers are an error code, or have one per partition. */
const worstErrorOf = (answer: unknown): number => {
  if (typeof answer === 'number') return answer
  const codes = (Array.isArray(answer) ? answer : [answer])
    .map((item) => fieldOf(item, 'errorCode'))
    .filter((code) => typeof code === 'number')
  return codes.find((code) => code !== 0) ?? 0
}
