/**
 * Sends dead letters back to the topics they came from.
 *
 *   D1  Each letter at most once, whoever runs this how often: what is sent and the mark that says
 *       so are one transaction, and marks of all dead-letter and late topics are read before anything is
 *       sent.
 *   D2  Two runs at once cannot overlap: all share one transactional id, and taking it over ends
 *       the older run before the newer one reads the marks.
 *   D3  Key, value and headers are those of the original; partition too, so that order per key and hashing hold.
 *   D4  A letter that comes back (the cause was not mended) is a new letter of a new origin, and
 *       the run that sent it does not see it: its end is fixed at the start.
 */
import {
  TransactionalProducer,
  type KafkaAdmin,
  type KafkaCluster,
  type OutputBatches,
} from '../../pipelines/runtime/kafka/index.ts'
import { RecordBatchBuilder, type RecordHeader } from '../../pipelines/runtime/record/index.ts'
import { holdsForeignBytes } from '../records/record-line.ts'
import { markOf, originId, REDRIVEN_FROM_HEADER, type Letter, type Origin } from './letter.ts'
import { scanTopic } from './scan.ts'
import { isSelected, type Selection } from './selection.ts'

export interface RedriveOptions {
  readonly cluster: KafkaCluster
  readonly admin: KafkaAdmin
  /** The dead-letter or late topic. */
  readonly topic: string
  readonly selection: Selection
  /** Count only. */
  readonly dryRun: boolean
  /** Start of the transactional id: the application's name. */
  readonly application: string
  readonly transactionBytes?: number
}

export interface RedriveResult {
  /** Letters sent (or, in a dry run, that would be). */
  readonly redriven: number
  readonly alreadyRedriven: number
  readonly byOrigin: Readonly<Record<string, number>>
  /** The first 100; all are counted. */
  readonly skipped: readonly {
    readonly partition: number
    readonly offset: number
    readonly reason: string
  }[]
  readonly skippedCount: number
}

const TRANSACTION_BYTES = 512 * 1024
const BATCH_BYTES = 900_000
const SHOWN_SKIPS = 100
const NO_GROUP = { groupId: '', memberId: '', generationId: -1 }

export const redrive = async (options: RedriveOptions): Promise<RedriveResult> => {
  const { cluster, topic, application, dryRun } = options
  const producer = new TransactionalProducer({
    cluster,
    transactionalId: `${application}.dead-letter-redrive`,
  })
  try {
    if (!dryRun) await producer.init() // D2, before the marks are read
    const run = new RedriveRun(options, producer, await readMarks(options))
    await scanTopic({
      cluster,
      topic,
      newest: Number.POSITIVE_INFINITY,
      onEntry: (entry) => (entry.kind === 'letter' ? run.take(entry) : undefined),
    })
    await run.commit()
    const result = run.result()
    // Returns when the last transaction is visible: a `dlq list` right after this tells the truth.
    if (!dryRun && result.redriven > 0) await producer.init()
    return result
  } finally {
    producer.close()
  }
}

/** D1: what any run has sent from any dead-letter topic. */
const readMarks = async ({ cluster, admin, topic }: RedriveOptions): Promise<Set<string>> => {
  const marked = new Set<string>()
  const names = (await admin.listTopics()).map((found) => found.topic).filter(holdsForeignBytes)
  for (const name of new Set([...names, topic])) {
    await scanTopic({
      cluster,
      topic: name,
      newest: Number.POSITIVE_INFINITY,
      onEntry: (entry) => {
        if (entry.kind === 'mark') for (const id of entry.originIds) marked.add(id)
      },
    })
  }
  return marked
}

class RedriveRun {
  readonly #options: RedriveOptions
  readonly #producer: TransactionalProducer
  readonly #done: Set<string>
  readonly #byOrigin = new Map<string, number>()
  readonly #skipped: { partition: number; offset: number; reason: string }[] = []
  #skippedCount = 0
  #redriven = 0
  #alreadyRedriven = 0
  #pending: { readonly letter: Letter; readonly origin: Origin }[] = []
  #pendingBytes = 0

  constructor(options: RedriveOptions, producer: TransactionalProducer, done: Set<string>) {
    this.#options = options
    this.#producer = producer
    this.#done = done
  }

  async take(letter: Letter): Promise<void> {
    const { selection, dryRun, transactionBytes = TRANSACTION_BYTES } = this.#options
    if (!isSelected(letter, selection)) return
    const { origin } = letter
    if (origin === undefined) {
      this.#skip(letter, 'it does not say where it came from')
      return
    }
    if (this.#done.has(originId(origin))) {
      this.#alreadyRedriven += 1
      return
    }
    const problem = cutProblem(letter, origin) ?? (await this.#originProblem(origin))
    if (problem !== undefined) {
      this.#skip(letter, problem)
      return
    }
    this.#done.add(originId(origin))
    this.#redriven += 1
    this.#byOrigin.set(origin.topic, (this.#byOrigin.get(origin.topic) ?? 0) + 1)
    if (dryRun) return
    this.#pending.push({ letter, origin })
    this.#pendingBytes += sizeOf(letter)
    if (this.#pendingBytes >= transactionBytes) await this.commit()
  }

  async commit(): Promise<void> {
    if (this.#pending.length === 0) return
    await this.#producer.commit({ batches: this.#batches(), offsets: [], group: NO_GROUP })
    this.#pending = []
    this.#pendingBytes = 0
  }

  result(): RedriveResult {
    return {
      redriven: this.#redriven,
      alreadyRedriven: this.#alreadyRedriven,
      byOrigin: Object.fromEntries(this.#byOrigin),
      skipped: this.#skipped,
      skippedCount: this.#skippedCount,
    }
  }

  #batches(): OutputBatches[] {
    const { topic } = this.#options
    const outputs = new Outputs()
    const marks = new Map<number, string[]>()
    for (const { letter, origin } of this.#pending) {
      const { partition, offset, key, value, headers } = letter
      const from = `${topic}/${String(partition)}/${String(offset)}`
      outputs.add(origin.topic, origin.partition, {
        key,
        value,
        headers: [...headers, { key: REDRIVEN_FROM_HEADER, value: Buffer.from(from) }],
      })
      marks.set(partition, [...(marks.get(partition) ?? []), originId(origin)])
    }
    for (const [partition, ids] of marks) outputs.add(topic, partition, markOf(ids))
    return outputs.batches()
  }

  async #originProblem({ topic, partition }: Origin): Promise<string | undefined> {
    const { cluster } = this.#options
    const metadata = cluster.cachedTopic(topic) ?? (await cluster.metadata([topic]))[0]
    if (metadata === undefined || metadata.errorCode !== 0) {
      return `its origin, topic '${topic}', does not exist any more`
    }
    if (partition < metadata.partitions.length) return undefined
    return `its origin, '${topic}', has no partition ${String(partition)} any more`
  }

  #skip({ partition, offset }: Letter, reason: string): void {
    this.#skippedCount += 1
    if (this.#skipped.length < SHOWN_SKIPS) this.#skipped.push({ partition, offset, reason })
  }
}

const cutProblem = (letter: Letter, { topic, partition, offset }: Origin): string | undefined => {
  if (letter.reason === 'batch-too-large') return 'it stands for a batch that nobody could unpack'
  if (letter.cut === undefined) return undefined
  return `it holds only the beginning of a large record (${letter.cut}); the whole is at ${topic}/${partition} offset ${offset}`
}

interface OutputRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

/** Room for what the record format and the header of this room add. */
const OVERHEAD_BYTES = 200

const sizeOf = ({ key, value, headers }: OutputRecord): number => {
  const headerBytes = headers.reduce(
    // Names are UTF-8: up to three bytes a code unit; two lengths of up to five bytes.
    (sum, header) => sum + 3 * header.key.length + (header.value?.length ?? 0) + 10,
    0,
  )
  return (key?.length ?? 0) + (value?.length ?? 0) + headerBytes + OVERHEAD_BYTES
}

/** Records by partition, in batches that brokers take. */
class Outputs {
  readonly #byPartition = new Map<
    string,
    { topic: string; partition: number; builders: RecordBatchBuilder[] }
  >()

  add(topic: string, partition: number, record: OutputRecord): void {
    const name = `${topic}/${String(partition)}`
    let output = this.#byPartition.get(name)
    if (output === undefined) {
      output = { topic, partition, builders: [] }
      this.#byPartition.set(name, output)
    }
    const size = sizeOf(record)
    let builder = output.builders.at(-1)
    if (builder === undefined || (builder.count > 0 && builder.sizeBytes + size > BATCH_BYTES)) {
      builder = new RecordBatchBuilder()
      output.builders.push(builder)
    }
    builder.appendRecord(record.key, record.value, record.headers)
  }

  batches(): OutputBatches[] {
    return [...this.#byPartition.values()]
  }
}
