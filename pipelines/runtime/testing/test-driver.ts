/**
 * Runs a pipeline in memory: the production tasks, without Kafka.
 *
 *     const driver = createTestDriver(anomalies)
 *     driver.pipe(telemetryMetrics, point(0), point(5))
 *     driver.tick({ tenant: 'default', atMs: minutes(10) })
 *     expect(driver.read(signalsAnomalies)).toEqual([...])
 *
 * Records go through real encoding, partitioning, repartitioning, changelogs and commits. The
 * broker's clock stands at the event time of what was last piped or ticked, unless it is set.
 */

import type { Tick } from '../../../schemas/generated/control-ticks.ts'
import type { AnyTopic, Topic } from '../../../schemas/topic.ts'
import { controlTicks } from '../../../schemas/topics.ts'
import { createRecordDecoder } from '../avro/record-codec.ts'
import { WIRE_HEADER_BYTES } from '../avro/wire-format.ts'
import {
  murmur2,
  RecordBatchBuilder,
  toPartition,
  type RecordHeader,
  type RecordSet,
} from '../record/index.ts'
import { RecordedOrder } from '../task/input-merger.ts'
import type { PartitionOutput } from '../task/output-buffers.ts'
import { settlePositions, topicsOfState } from '../task/start-positions.ts'
import { TaskRestore } from '../task/task-restore.ts'
import { Task } from '../task/task.ts'
import type { Pipeline } from '../topology/define-pipeline.ts'
import { orderSchema, type OrderRun } from '../topology/internal-schemas.ts'
import {
  changelogTopic,
  deadLetterTopic,
  isKeyed,
  lateTopic,
  orderTopic,
} from '../topology/internal-topics.ts'
import { MemoryBroker } from './memory-broker.ts'
import { TestSchemas } from './test-schemas.ts'

/** Of fetches and commits, until nothing is left: more are a test that goes round in circles. */
const SETTLE_ROUNDS = 100_000

export interface TestDriverOptions {
  /** Partitions of every topic that has not a fixed number of them (default 4). */
  readonly partitions?: number
  /** Of topics of others, which a raw pipeline reads; those not named have none: they do not exist. */
  readonly rawPartitions?: Readonly<Record<string, number>>
  /** Commit after this many processed records (default 10,000), and when idle. */
  readonly recordsPerCommit?: number
  /** Batches per fetch (default: all there are). */
  readonly batchesPerFetch?: number
  /** By how much the clock of the broker that leads a partition is off (default 0). */
  readonly skewMs?: (partition: TopicPartition) => number
}

/** How a re-derivation is made harder: none of it may change a byte. */
export interface RederiveOptions extends Pick<
  TestDriverOptions,
  'recordsPerCommit' | 'batchesPerFetch'
> {
  /** Whether the next task to commit dies instead, and is rebuilt from what was committed. */
  readonly crashes?: () => boolean
  /** Whether the next fetch of an input brings nothing yet. */
  readonly stalls?: () => boolean
}

interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** A record as any client may produce it. */
export interface ProducedRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: readonly RecordHeader[]
}

/** A record of a late or dead-letter topic. */
export interface SideRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, string>>
}

export const createTestDriver = (pipeline: Pipeline, options: TestDriverOptions = {}): TestDriver =>
  new TestDriver(pipeline, options)

export class TestDriver {
  #pipeline: Pipeline
  readonly #options: TestDriverOptions
  readonly #partitions: number
  #rawPartitions: Readonly<Record<string, number>>
  readonly #recordsPerCommit: number
  readonly #batchesPerFetch: number
  readonly #skewMs: (partition: TopicPartition) => number
  readonly #inputs: MemoryBroker
  /** The same broker, except while re-deriving: then recorded inputs are not to be written again. */
  readonly #outputs: MemoryBroker
  readonly #schemas: TestSchemas
  /** Whose recorded order this one follows. */
  readonly #follows: TestDriver | undefined
  readonly #crashes: () => boolean
  readonly #stalls: () => boolean
  /** Committed offsets, as the consumer group keeps them. */
  readonly #committed = new Map<string, number>()
  #tasks: Task[]
  #next: TestDriver | undefined
  #nowMs = 0
  #held = false

  constructor(
    pipeline: Pipeline,
    options: TestDriverOptions & RederiveOptions,
    shared: {
      readonly inputs?: MemoryBroker
      readonly outputs?: MemoryBroker
      readonly schemas?: TestSchemas
      readonly follows?: TestDriver
    } = {},
  ) {
    this.#pipeline = pipeline
    this.#options = options
    this.#outputs = shared.outputs ?? new MemoryBroker()
    this.#inputs = shared.inputs ?? this.#outputs
    this.#schemas = shared.schemas ?? new TestSchemas()
    this.#follows = shared.follows
    this.#crashes = options.crashes ?? (() => false)
    this.#stalls = options.stalls ?? (() => false)
    this.#partitions = options.partitions ?? 4
    this.#rawPartitions = options.rawPartitions ?? {}
    this.#recordsPerCommit = options.recordsPerCommit ?? 10_000
    this.#batchesPerFetch = options.batchesPerFetch ?? Infinity
    this.#skewMs = options.skewMs ?? (() => 0)
    this.#tasks = this.#openTasks()
  }

  /** The tasks at work, for looking into state. */
  get tasks(): readonly Task[] {
    return this.#tasks
  }

  /** Moves the broker's clock; it never goes back. */
  setBrokerTime(atMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, atMs)
  }

  /** Produces the values under their canonical keys and processes everything. */
  pipe<Value extends object>(topic: Topic<Value>, ...values: readonly Value[]): void {
    for (const value of values) {
      const eventTime = (value as Record<string, unknown>)[topic.eventTime.field] as number
      this.setBrokerTime(topic.eventTime.unit === 'us' ? eventTime / 1_000 : eventTime)
      const bytes = this.#schemas.encode(topic, value)
      const key = Buffer.from(topic.keyOf(value), 'utf8')
      const partitions = topic.partitions === 'spread' ? this.#partitions : topic.partitions
      this.#produce(topic.name, toPartition(murmur2(key), partitions), { key, value: bytes })
    }
    this.settle()
  }

  /** Produces bytes as another client might: any key, any partition, any value. */
  pipeRaw(
    topic: Pick<AnyTopic, 'name'>,
    record: ProducedRecord & { readonly partition: number; readonly atMs?: number },
  ): void {
    this.setBrokerTime(record.atMs ?? 0)
    this.#produce(topic.name, record.partition, record)
    this.settle()
  }

  /** The value's bytes in the Confluent wire format, for `pipeRaw`. */
  encode<Value extends object>(topic: Topic<Value>, value: Value): Buffer {
    return this.#schemas.encode(topic, value)
  }

  /** Lets a tenant's time reach `atMs`, on every partition. */
  tick(tick: { readonly tenant: string; readonly atMs: number; readonly origin?: string }): void {
    this.setBrokerTime(tick.atMs)
    const value: Tick = { timestamp: tick.atMs, tenant: tick.tenant, origin: tick.origin ?? 'test' }
    const bytes = this.#schemas.encode(controlTicks, value)
    for (let partition = 0; partition < this.#partitions; partition++) {
      this.#produce(controlTicks.name, partition, { key: Buffer.from(tick.tenant), value: bytes })
    }
    this.settle()
  }

  /** Everything committed to the topic, partition by partition. */
  read<Value>(topic: Topic<Value>): Value[] {
    const decoder = createRecordDecoder<Value>({ writerSchema: topic.schema })
    return this.#records(topic.name, (record) =>
      decoder.decode(record.buffer, record.valueStart + WIRE_HEADER_BYTES, record.valueEnd),
    )
  }

  /** Raw key and value bytes of a topic, for byte-exact comparisons. */
  readBytes(topic: string): { partition: number; key: string; value: string }[] {
    return this.#records(topic, (record, partition) => ({
      partition,
      key: record.key()?.toString('base64') ?? '',
      value: record.value()?.toString('base64') ?? '',
    }))
  }

  readLate(): SideRecord[] {
    return this.#records(lateTopic(this.#pipeline.name), sideRecord)
  }

  readDeadLetters(): SideRecord[] {
    return this.#records(deadLetterTopic(this.#pipeline.name), sideRecord)
  }

  /** Gives topics of others so many partitions from now on. */
  setRawPartitions(counts: Readonly<Record<string, number>>): void {
    this.#rawPartitions = counts
    this.restart()
  }

  /** Drops all tasks, committed or not, and rebuilds them from their changelogs. */
  restart(): void {
    this.#tasks = this.#openTasks()
    this.settle()
  }

  /**
   * Goes on as another version of the pipeline, as workers that were replaced would.
   *
   * @throws RuntimeError when that version cannot go on with the state there is
   */
  restartAs(pipeline: Pipeline): void {
    const before = this.#pipeline
    this.#pipeline = pipeline
    try {
      this.restart()
    } catch (error) {
      this.#pipeline = before
      throw error
    }
  }

  /** The group's committed offsets: deletes them all, or sets one, as an operator or time would. */
  forgetOffsets(): void {
    this.#committed.clear()
  }

  setOffset(topic: string, partition: number, offset: number): void {
    this.#committed.set(`${topic}/${partition}`, offset)
  }

  /** Deletes a topic and makes it again, empty. */
  recreate(topic: string): void {
    this.#outputs.recreate(topic)
  }

  /**
   * A fresh driver with the same input topics that follows the order this one recorded: what it
   * writes must be byte for byte the same.
   */
  rederive(options: RederiveOptions = {}): TestDriver {
    const again = new TestDriver(
      this.#pipeline,
      { ...options, partitions: this.#partitions, rawPartitions: this.#rawPartitions },
      { inputs: this.#inputs, schemas: this.#schemas, follows: this },
    )
    again.#nowMs = this.#nowMs
    again.settle()
    return again
  }

  /**
   * A second stage on the same topics: it goes on whenever this one does. Produce through the first
   * stage.
   */
  chain(pipeline: Pipeline): TestDriver {
    const shared = { outputs: this.#outputs, schemas: this.#schemas }
    this.#next = new TestDriver(pipeline, this.#options, shared)
    this.settle()
    return this.#next
  }

  /** What `produce` writes is there before any of it is processed. */
  hold(produce: () => void): void {
    this.#held = true
    produce()
    this.#held = false
    this.settle()
  }

  /** Fetches, processes and commits until nothing is left to do. */
  settle(): void {
    if (this.#held) return
    let rounds = 0
    for (let progress = true; progress;) {
      progress = false
      if (++rounds > SETTLE_ROUNDS) throw new Error(this.#unsettled())
      for (const [partition, task] of this.#tasks.entries()) {
        progress = this.#fetch(task) || progress
        for (let more = true; more;) {
          more = task.run(this.#recordsPerCommit).kind === 'more'
          if (task.hasUncommitted && this.#crashes()) {
            this.#tasks[partition] = this.#openTask(partition)
            more = false
            progress = true
          } else progress = this.#commit(task) || progress
        }
      }
    }
    this.#next?.setBrokerTime(this.#nowMs)
    this.#next?.settle()
  }

  #unsettled(): string {
    const waiting = this.#tasks.flatMap(({ queues }) =>
      queues.flatMap(({ input: { topic, partition }, position }) => {
        const endOffset = this.#inputs.endOffset(topic, partition)
        return position < endOffset ? [`${topic}/${partition} at ${position} of ${endOffset}`] : []
      }),
    )
    return `Not settled after ${SETTLE_ROUNDS} rounds; still to do: ${waiting.join(', ') || 'nothing'}`
  }

  #commit(task: Task): boolean {
    const commit = task.takeCommit()
    if (commit === undefined) return false
    this.#append(commit.outputs)
    const endOf = (target: TopicPartition): number =>
      this.#outputs.endOffset(target.topic, target.partition)
    this.#append(commit.ticks?.encode(endOf) ?? [])
    for (const { topic, partition, offset } of commit.offsets) {
      this.#committed.set(`${topic}/${partition}`, offset)
    }
    task.recycle(commit)
    return true
  }

  #append(outputs: readonly PartitionOutput[]): void {
    for (const { topic, partition, batches } of outputs) {
      const atMs = this.#nowMs + this.#skewMs({ topic, partition })
      for (const batch of batches) this.#outputs.append({ topic, partition }, batch, atMs)
    }
  }

  /** True when it may bring more another time. */
  #fetch(task: Task): boolean {
    let stalled = false
    for (const queue of task.queues) {
      const { topic, partition } = queue.input
      if (queue.hasHead) continue
      if (this.#stalls()) {
        stalled = true
        continue
      }
      const records = this.#inputs.fetch(topic, partition, queue.position, this.#batchesPerFetch)
      task.push(queue, {
        records,
        highWatermark: this.#inputs.endOffset(topic, partition),
        // A fetch in memory is instant: nothing can arrive between asking and answering.
        requestedAtMs: Infinity,
        receivedAtMs: 0,
      })
    }
    return stalled
  }

  #openTasks(): Task[] {
    return Array.from({ length: this.#partitions }, (_, partition) => this.#openTask(partition))
  }

  #openTask(partition: number): Task {
    const partitions = this.#partitions
    const raw = new Set(Object.values(this.#pipeline.raw).map(({ topic }) => topic))
    const globals = new Set(Object.values(this.#pipeline.globals).map(({ topic }) => topic.name))
    const task = new Task({
      pipeline: this.#pipeline,
      partition,
      partitions,
      schemas: this.#schemas,
      settings: {
        partitionsOf: (topic) => {
          if (raw.has(topic)) return this.#rawPartitions[topic] ?? 0
          return globals.has(topic) ? 1 : partitions
        },
        schemaIdOf: (topic) => this.#schemas.idOfInternal(this.#pipeline, topic),
      },
    })
    const follows = this.#follows
    if (follows && isKeyed(this.#pipeline)) {
      task.follow((queues) => new RecordedOrder(queues, follows.#recordedOrder(partition)))
    }
    const restore = new TaskRestore({ task, schemas: this.#schemas, partitions })
    for (const store of restore.stores) {
      const topic = changelogTopic(this.#pipeline.name, store)
      restore.apply(store, this.#outputs.fetch(topic, partition, 0))
    }
    restore.finish()
    for (const queue of task.queues) {
      const { kind, topic, partition: from } = queue.input
      if (kind === 'global') queue.position = restore.globalOffset(topic, from)
    }
    settlePositions(task, {
      topicIds: new Map(topicsOfState(task).map((topic) => [topic, this.#inputs.topicId(topic)])),
      committedOf: (topic, from) => this.#committed.get(`${topic}/${from}`) ?? -1,
      earliestOf: () => 0,
      endOf: (topic, from) => this.#inputs.endOffset(topic, from),
    })
    for (const queue of task.queues) this.#foldGlobal(task, queue)
    return task
  }

  #foldGlobal(task: Task, { input, position }: Task['queues'][number]): void {
    if (input.kind !== 'global' || position === 0) return
    const decoder = createRecordDecoder({ writerSchema: (input.global?.topic as AnyTopic).schema })
    const records = this.#inputs.fetch(input.topic, input.partition, 0)
    while (records.next() && records.offset < position) {
      const { buffer, valueStart, valueEnd } = records
      task.foldGlobal(input, decoder.decode(buffer, valueStart + WIRE_HEADER_BYTES, valueEnd))
    }
  }

  #produce(topic: string, partition: number, record: ProducedRecord): void {
    const builder = new RecordBatchBuilder()
    builder.appendRecord(record.key, record.value, record.headers)
    const atMs = this.#nowMs + this.#skewMs({ topic, partition })
    this.#inputs.append({ topic, partition }, builder, atMs)
  }

  #recordedOrder(partition: number): OrderRun[] {
    const decoder = createRecordDecoder<{ runs: OrderRun[] }>({ writerSchema: orderSchema })
    const records = this.#outputs.fetch(orderTopic(this.#pipeline.name), partition, 0)
    const runs: OrderRun[] = []
    while (records.next()) {
      const { buffer, valueStart, valueEnd } = records
      runs.push(...decoder.decode(buffer, valueStart + WIRE_HEADER_BYTES, valueEnd).runs)
    }
    return runs
  }

  #records<Result>(
    topic: string,
    read: (record: RecordSet, partition: number) => Result,
  ): Result[] {
    const results: Result[] = []
    for (let partition = 0; partition < this.#partitions; partition++) {
      const records = this.#outputs.fetch(topic, partition, 0)
      while (records.next()) results.push(read(records, partition))
    }
    return results
  }
}

const sideRecord = (record: RecordSet): SideRecord => ({
  key: copyOf(record.key()),
  value: copyOf(record.value()),
  headers: Object.fromEntries(
    record.headers().map(({ key, value }: RecordHeader) => [key, value?.toString('utf8') ?? '']),
  ),
})

const copyOf = (bytes: Buffer | null): Buffer | null => bytes && Buffer.from(bytes)
