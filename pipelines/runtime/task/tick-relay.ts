/**
 * Ticks on their way to the tasks behind this one, and what they must not overtake.
 *
 * R1: a tick that is passed on names, for each topic of the data before it, the offset behind that
 *     data in the partition it goes to; whoever takes the tick has taken the data. Append times
 *     say so only as long as all brokers share a clock that never steps back.
 * R2: so ticks are encoded when the data of their transaction has been acknowledged. The offsets
 *     may lie further on than this task's own data: then the tick waits for that, too.
 *
 * The offsets travel as headers. They are coordinates, of no use to the handlers; and a tick
 * without them, of an older version, is what it was: one that goes by append time alone.
 */

import type { Tick } from '../../../schemas/generated/control-ticks.ts'
import { controlTicks } from '../../../schemas/topics.ts'
import { RecordEncoder } from '../avro/record-codec.ts'
import type { RecordHeader } from '../record/index.ts'
import type { Pipeline } from '../topology/define-pipeline.ts'
import { repartitionTopic, ticksTopic } from '../topology/internal-topics.ts'
import type { OutputSettings } from './emitter.ts'
import { OutputBuffers, type PartitionOutput } from './output-buffers.ts'
import { outputOrigin, repartitionOrigin } from './tenant-clocks.ts'

/** Before which the tick is not to be taken, as `topic:offset`; once per topic. */
const BEHIND_HEADER = 'millrace-behind'
/** What a tick takes in memory until it is encoded, and then in each partition, about. */
const TICK_BYTES = 160

/** Which data a tick comes behind: what was sent on to our own tasks, or what was emitted. */
export type RelayStage = 'repartition' | 'output'

export interface LogPosition {
  readonly topic: string
  readonly offset: number
}

interface Target {
  readonly topic: string
  readonly partition: number
}

/** The ticks of one commit. */
export interface PassedTicks {
  /** Where they go: to every partition. */
  readonly partitions: readonly Target[]
  /** Of whose ends `encode` will ask. */
  readonly behind: readonly Target[]
  /** Call once, when everything else of the commit has been written; `endOf` are offsets then. */
  readonly encode: (endOf: (target: Target) => number) => readonly PartitionOutput[]
}

export class TickRelay {
  readonly #pipeline: Pipeline
  readonly #partition: number
  readonly #settings: OutputSettings
  readonly #partitions: readonly Target[]
  readonly #encoder: RecordEncoder<Tick>
  readonly #buffers = new OutputBuffers()
  readonly #topicsBefore: Readonly<Record<RelayStage, readonly string[]>>
  #ticks: { readonly stage: RelayStage; readonly tick: Tick }[] = []
  #sent: readonly PartitionOutput[] = []

  constructor(options: {
    readonly pipeline: Pipeline
    readonly partition: number
    readonly settings: OutputSettings
  }) {
    const { pipeline, settings } = options
    this.#pipeline = pipeline
    this.#partition = options.partition
    this.#settings = settings
    const topic = ticksTopic(pipeline.name)
    this.#partitions = partitionsOf(topic, settings)
    this.#encoder = new RecordEncoder({
      schema: controlTicks.schema,
      schemaId: settings.schemaIdOf(topic),
    })
    this.#topicsBefore = {
      repartition: Object.values(pipeline.inputs).map((input) =>
        repartitionTopic(pipeline.name, input.topic.name),
      ),
      output: Object.values(pipeline.outputs).map(({ name }) => name),
    }
  }

  get pendingBytes(): number {
    return this.#ticks.length * this.#partitions.length * TICK_BYTES
  }

  pass(stage: RelayStage, { tenant, timestamp }: Pick<Tick, 'tenant' | 'timestamp'>): void {
    const originOf = stage === 'repartition' ? repartitionOrigin : outputOrigin
    const origin = originOf(this.#pipeline.name, this.#partition)
    this.#ticks.push({ stage, tick: { tenant, timestamp, origin } })
  }

  /** Everything since it was last called. */
  take(): PassedTicks | undefined {
    const ticks = this.#ticks
    if (ticks.length === 0) return undefined
    this.#ticks = []
    const stages = [...new Set(ticks.map(({ stage }) => stage))]
    return {
      partitions: this.#partitions,
      behind: stages
        .flatMap((stage) => this.#topicsBefore[stage])
        .flatMap((topic) => partitionsOf(topic, this.#settings)),
      encode: (endOf) => this.#encode(ticks, endOf),
    }
  }

  #encode(
    ticks: readonly { readonly stage: RelayStage; readonly tick: Tick }[],
    endOf: (target: Target) => number,
  ): readonly PartitionOutput[] {
    // Commits follow each other: what was sent last is through.
    this.#buffers.recycle(this.#sent)
    for (const target of this.#partitions) {
      const headers = {
        repartition: this.#headers('repartition', target.partition, endOf),
        output: this.#headers('output', target.partition, endOf),
      }
      for (const { stage, tick } of ticks) {
        const key = Buffer.from(controlTicks.keyOf(tick), 'utf8')
        const bytes = this.#encoder.encode(tick)
        this.#buffers.append(
          target,
          { bytes: key, start: 0, end: key.length },
          { bytes, start: 0, end: bytes.length },
          headers[stage],
        )
      }
    }
    this.#sent = this.#buffers.take()
    return this.#sent
  }

  #headers(
    stage: RelayStage,
    partition: number,
    endOf: (target: Target) => number,
  ): RecordHeader[] {
    return this.#topicsBefore[stage]
      .filter((topic) => partition < this.#settings.partitionsOf(topic))
      .map((topic) => {
        const value = Buffer.from(`${topic}:${endOf({ topic, partition })}`, 'utf8')
        return { key: BEHIND_HEADER, value }
      })
  }
}

/** What the tick with these headers must not overtake. */
export const positionsBefore = (headers: readonly RecordHeader[]): LogPosition[] =>
  headers
    .filter(({ key }) => key === BEHIND_HEADER)
    .map(({ value }) => {
      const text = value?.toString('utf8') ?? ''
      const at = text.lastIndexOf(':')
      return { topic: text.slice(0, at), offset: Number(text.slice(at + 1)) }
    })
    .filter(({ offset }) => Number.isSafeInteger(offset))

const partitionsOf = (topic: string, settings: OutputSettings): Target[] =>
  Array.from({ length: settings.partitionsOf(topic) }, (_, partition) => ({ topic, partition }))
