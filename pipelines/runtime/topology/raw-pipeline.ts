/**
 * Pipelines over topics of others, whose values are not Confluent-Avro and whose partitions and keys
 * mean nothing here: they decode each record and write what it says to topics of the catalogue.
 *
 * - X1: the partitions of such a topic are dealt over the tasks, partition q to task q modulo the
 *   number of tasks: a topic may have any number of them, get more, or not exist.
 * - X2: state belongs to a source partition, since nothing else is known before decoding. So what a
 *   record leads to depends on its own partition alone, and no order between inputs is recorded.
 * - X3: no time. Such a pipeline reads no ticks and passes none on, so it has neither windows nor
 *   timers, and writes only to topics that `control.ticks` paces. There it is a producer like any
 *   other: nobody behind it waits for its clock, and what it brings late is late.
 */

import type { Topic } from '../../../schemas/topic.ts'
import { RuntimeError } from '../errors.ts'
import type { RecordHeader } from '../record/index.ts'
import { faultOfNames, type Outputs, type Pipeline } from './define-pipeline.ts'
import { isWrittenByPipelines } from './internal-topics.ts'
import type { CellSpec, RingSpec, RowSpec, StateViews } from './state.ts'

/** A record as it came. Its bytes are valid during the call only. */
export interface RawRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
  /** The broker's time of arrival or the producer's stamp, as the topic is set; -1 without. */
  readonly timestampMs: number
}

/** What a decoder returns for bytes that are not what it decodes. */
export class Undecodable {
  readonly detail: string

  constructor(detail: string) {
    this.detail = detail
  }
}

export interface RawInput<Value = unknown> {
  readonly topic: string
  /** Pure. A decoder that throws is a bug, as a handler that throws is. */
  readonly decode: (record: RawRecord) => Value | Undecodable
}

export const raw = <Value>(
  topic: string,
  options: { readonly decode: (record: RawRecord) => Value | Undecodable },
): RawInput<Value> => ({ topic, ...options })

export interface RawContext<Out> {
  /** Writes the value; else says why it cannot be: a key that is none, more bytes than its topic takes. */
  emit<Name extends keyof Out & string>(
    output: Name,
    value: Out[Name] extends Topic<infer Value> ? Value : never,
  ): string | undefined
  /** Puts the record at hand into the dead-letter topic; what was emitted stays. */
  reject(detail: string): void
  /** Counts the record as one that its sender has sent before. */
  countRepeated(): void
}

type RawStateSpecs = Readonly<Record<string, RowSpec | RingSpec | CellSpec>>

interface RawPipelineSpec<Values, State extends RawStateSpecs, Out extends Outputs> {
  readonly name: string
  readonly version: number
  readonly inputs: { readonly [Name in keyof Values]: RawInput<Values[Name]> }
  /** Per source partition (X2). */
  readonly state?: State
  readonly outputs: Out
  readonly on: {
    readonly [Name in keyof Values]: (
      value: Values[Name],
      state: StateViews<State>,
      context: RawContext<Out>,
    ) => void
  }
}

/** @throws RuntimeError TOPOLOGY_INVALID naming what is wrong */
export const defineRawPipeline = <
  Values extends object,
  const Out extends Outputs,
  const State extends RawStateSpecs = Record<never, never>,
>(
  spec: RawPipelineSpec<Values, State, Out>,
): Pipeline => {
  const { name, version, inputs, outputs, state = {} } = spec
  const topics = Object.values<RawInput>(inputs).map(({ topic }) => topic)
  const fault = faultOfNames({ name, state, topics }) ?? faultOf(topics, outputs)
  if (fault !== undefined) {
    throw new RuntimeError('TOPOLOGY_INVALID', `Pipeline '${name}': ${fault}`)
  }
  return Object.freeze({
    ...{ name, version, outputs, state, raw: inputs, on: spec.on },
    ...{ inputs: {}, globals: {}, windows: {}, onTimer: {}, forgets: [] },
    keyIdleTtlMs: Number.POSITIVE_INFINITY,
    // Keys are source partitions: there are as many as there are (X2).
    keyLimit: { perTask: Infinity, perGroup: Infinity, groupOf: () => '' },
  }) as unknown as Pipeline
}

const faultOf = (topics: readonly string[], outputs: Outputs): string | undefined => {
  const own = Object.values(outputs).find(({ name }) => topics.includes(name))
  if (own !== undefined) return `it would read '${own.name}', which it writes`
  // X3
  const paced = Object.values(outputs).find((topic) => isWrittenByPipelines(topic))
  return (
    paced &&
    `whoever reads '${paced.name}' waits for the ticks of '${paced.owner}', and a raw pipeline has none`
  )
}
