/**
 * A topology: inputs, state, windows and outputs, and the pure functions between them.
 *
 * Handlers are synchronous and deterministic: they read the record, change the state of the
 * record's key through the views they are given, and emit. The runtime owns clocks, I/O, order and
 * commits. Views are cursors, valid only during the call.
 */

import type { Topic } from '../../../schemas/topic.ts'
import { RuntimeError } from '../errors.ts'
import type { WindowAggregate } from '../stores/window-store.ts'
import type { AnyGlobalInput, AnyKeyedInput, GlobalStateOf, RecordOf } from './inputs.ts'
import type { RawInput } from './raw-pipeline.ts'
import { KEYS_STORE, TASK_STORE } from './store-names.ts'
import type { CellSpec, StateSpecs, StateViews } from './state.ts'
import type { SessionSpec } from './session-window.ts'
import type { WindowBounds, WindowSpec } from './windows.ts'

export type KeyedInputs = Readonly<Record<string, AnyKeyedInput>>
export type GlobalInputs = Readonly<Record<string, AnyGlobalInput>>
// `any`: see inputs.ts.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Outputs = Readonly<Record<string, Topic<any>>>

type ValueOf<Output> = Output extends Topic<infer Value> ? Value : never

export interface Context<Globals, Out> {
  /** The key at hand, as text. Decoded on first use. */
  readonly key: string
  readonly tenant: string
  /** The key's clock: the furthest event time its records or its tenant's ticks have reached. */
  readonly clockMs: number
  /** Global tables, as of this point of the recorded order. */
  readonly globals: { readonly [Name in keyof Globals]: GlobalStateOf<Globals[Name]> }
  emit<Name extends keyof Out & string>(output: Name, value: ValueOf<Out[Name]>): void
  /** Puts the record at hand into the dead-letter topic. Only in record handlers. */
  reject(detail: string): void
}

type RowOf<Initial> = WindowAggregate<Extract<keyof Initial, string>>['row']

/** The window at hand. */
interface Aggregate<Initial, Cell> {
  readonly row: RowOf<Initial>
  readonly cell: WindowAggregate<string, Cell>['cell']
}

/** A windowed aggregate of one input. */
export type WindowedSpec<Record, Initial, Cell, State, Globals, Out> = AggregateSpec<
  Record,
  Initial,
  Cell,
  State,
  Globals,
  Out
> &
  (
    | { readonly window: WindowSpec; readonly merge?: never }
    | {
        readonly window: SessionSpec
        /**
         * Two sessions have become one: adds what the later one, `source`, holds to the earlier
         * one, `target`. The record that bridges them is added after that.
         */
        readonly merge: (target: Aggregate<Initial, Cell>, source: Aggregate<Initial, Cell>) => void
      }
  )

interface AggregateSpec<Record, Initial, Cell, State, Globals, Out> {
  readonly input: string
  readonly row: Initial
  /** For what does not fit into numbers: an Avro value per window. */
  readonly cell?: CellSpec<Cell> & { readonly empty: () => Cell }
  readonly add: (record: Record, aggregate: Aggregate<Initial, Cell>) => void
  readonly close: (
    aggregate: Aggregate<Initial, Cell>,
    bounds: WindowBounds,
    state: StateViews<State>,
    context: Context<Globals, Out>,
  ) => void
}

export interface PipelineSpec<
  In extends KeyedInputs,
  Globals extends GlobalInputs,
  State extends StateSpecs,
  Out extends Outputs,
  Initial,
  Cell,
> {
  /** Names the application id, the consumer group and every internal topic. */
  readonly name: string
  /** Counts changes of behaviour; written into what the pipeline concludes. */
  readonly version: number
  readonly inputs: In
  readonly globals?: Globals
  readonly state?: State
  readonly outputs: Out
  readonly windows?: Readonly<
    Record<string, WindowedSpec<RecordOf<In[keyof In]>, Initial, Cell, State, Globals, Out>>
  >
  readonly on?: {
    readonly [Name in keyof In]?: (
      record: RecordOf<In[Name]>,
      state: StateViews<State>,
      context: Context<Globals, Out>,
    ) => void
  }
  readonly onTimer?: Readonly<
    Record<string, (state: StateViews<State>, context: Context<Globals, Out>) => void>
  >
  /** Stores and input topics of earlier versions whose content is given up. */
  readonly forgets?: readonly string[]
  /** A key whose clock stands still this long (by its tenant's ticks) is forgotten. */
  readonly keyIdleTtlMs: number
  /** Bounds what one noisy producer can fill: keys per group and task, and keys per task. */
  readonly keyLimit: {
    readonly perTask: number
    readonly perGroup: number
    readonly groupOf: (key: string) => string
  }
}

/** A topology with its exact types erased: what the runtime works with. */
export interface Pipeline {
  readonly name: string
  readonly version: number
  readonly inputs: KeyedInputs
  /** Instead of `inputs`, of a raw pipeline: see raw-pipeline.ts. */
  readonly raw: Readonly<Record<string, RawInput>>
  readonly globals: GlobalInputs
  readonly state: StateSpecs
  readonly outputs: Outputs
  readonly windows: Readonly<Record<string, ErasedWindow | ErasedSession>>
  readonly on: Readonly<Record<string, ErasedHandler | undefined>>
  readonly onTimer: Readonly<Record<string, ErasedTimerHandler>>
  readonly forgets: readonly string[]
  readonly keyIdleTtlMs: number
  readonly keyLimit: {
    readonly perTask: number
    readonly perGroup: number
    readonly groupOf: (key: string) => string
  }
}

type ErasedContext = Context<Record<string, AnyGlobalInput>, Record<string, Topic<never>>>
type ErasedHandler = (record: object, state: object, context: ErasedContext) => void
type ErasedTimerHandler = (state: object, context: ErasedContext) => void
export interface ErasedWindow extends ErasedAggregate {
  readonly window: WindowSpec
}
export interface ErasedSession extends ErasedAggregate {
  readonly window: SessionSpec
  readonly merge: (target: WindowAggregate, source: WindowAggregate) => void
}
interface ErasedAggregate {
  readonly input: string
  readonly row: Readonly<Record<string, number>>
  readonly cell?: CellSpec & { readonly empty: () => unknown }
  readonly add: (record: object, aggregate: WindowAggregate) => void
  readonly close: (
    aggregate: WindowAggregate,
    bounds: WindowBounds,
    state: object,
    context: ErasedContext,
  ) => void
}

/** Also names of Avro records. */
const STORE_NAME = /^[A-Za-z][A-Za-z0-9]*$/
/** Changelogs of the task itself, and of the home row where none is declared. */
const RESERVED_STORES = [TASK_STORE, KEYS_STORE]
const NAME = /^[a-z][a-z0-9-]*$/

/**
 * Checks and freezes a pipeline's declaration.
 *
 * @throws RuntimeError TOPOLOGY_INVALID naming what is wrong
 */
export const definePipeline = <
  const In extends KeyedInputs,
  const Out extends Outputs,
  const Globals extends GlobalInputs = Record<never, never>,
  const State extends StateSpecs = Record<never, never>,
  const Initial extends Readonly<Record<string, number>> = Record<never, never>,
  Cell = undefined,
>(
  spec: PipelineSpec<In, Globals, State, Out, Initial, Cell>,
): Pipeline => {
  const refuse = (reason: string): never => {
    throw new RuntimeError('TOPOLOGY_INVALID', `Pipeline '${spec.name}': ${reason}`)
  }
  const { name, state = {}, windows = {} } = spec
  const stores = [...Object.keys(state), ...Object.keys(windows)]
  const topics = [...Object.values(spec.inputs), ...Object.values(spec.globals ?? {})].map(
    ({ topic }) => topic.name,
  )
  const fault = faultOfNames({ name, state, windows, topics })
  if (fault !== undefined) refuse(fault)
  const kept = spec.forgets?.find((name) => stores.includes(name) || topics.includes(name))
  if (kept !== undefined) refuse(`'${kept}' is declared, and forgotten besides`)
  for (const name of Object.keys(spec.windows ?? {})) {
    const input = spec.windows?.[name]?.input ?? ''
    if (!(input in spec.inputs)) refuse(`window '${name}' aggregates '${input}', which is no input`)
    if (name in (spec.state ?? {})) refuse(`'${name}' names both a window and a state`)
    const window = spec.windows?.[name]?.window
    if (window !== undefined && spec.keyIdleTtlMs < openForMs(window))
      refuse(`keyIdleTtlMs ${spec.keyIdleTtlMs} would forget keys whose window '${name}' is open`)
  }
  for (const name of Object.keys(spec.onTimer ?? {})) {
    if (spec.state?.[name]?.kind !== 'timer') refuse(`onTimer '${name}' has no timer() in state`)
  }
  for (const [name, input] of Object.entries(spec.inputs)) {
    if (input.kind === 'repartitioned') continue
    const missing = input.fields?.filter((field: string) => !hasField(input.topic, field)) ?? []
    if (missing.length > 0) refuse(`input '${name}' has no field '${String(missing[0])}'`)
  }
  return Object.freeze({
    raw: {},
    globals: {},
    state: {},
    windows: {},
    on: {},
    onTimer: {},
    forgets: [],
    ...spec,
  }) as unknown as Pipeline
}

/** What is wrong with names of the pipeline, its stores and its topics. */
export const faultOfNames = (spec: {
  readonly name: string
  readonly state: StateSpecs
  readonly windows?: Readonly<Record<string, { readonly row: object }>>
  readonly topics: readonly string[]
}): string | undefined => {
  const { state, windows = {} } = spec
  if (!NAME.test(spec.name)) return 'the name must be lower-case letters, digits and dashes'
  const rows = Object.values(state).flatMap((each) => (each.kind === 'row' ? [each.initial] : []))
  if (rows.length > 1) return 'at most one row; put the numbers of one key into one row'
  const numbers = [...rows, ...Object.values(windows).map(({ row }) => row)].flatMap(Object.keys)
  const reserved = numbers.find((name) => name.startsWith('_'))
  if (reserved !== undefined) return `'${reserved}': names with '_' in front are the runtime's own`
  for (const name of [...Object.keys(state), ...Object.keys(windows)]) {
    if (!STORE_NAME.test(name)) return `'${name}' cannot name a store: letters and digits only`
    if (RESERVED_STORES.includes(name)) return `'${name}' is a store of the runtime's own`
  }
  const topics = spec.topics.toSorted()
  const twice = topics.find((name, index) => name === topics[index + 1])
  return twice && `'${twice}' is more than one of its inputs`
}

/** How long a key that falls silent keeps a window open. */
const openForMs = (window: WindowSpec | SessionSpec): number =>
  (window.kind === 'session' ? window.gapMs : window.sizeMs) + window.graceMs

const hasField = (topic: Pick<Topic, 'schema'>, field: string): boolean =>
  (topic.schema as { fields: { name: string }[] }).fields.some(({ name }) => name === field)
