/**
 * Where a pipeline's records come from.
 *
 * - *co-partitioned*: the topic is keyed as the pipeline needs it. Task p reads partition p; only
 *   records that another producer keyed or placed differently make a detour (see `foreign` below).
 * - *repartitioned*: every record goes through an internal topic under the key that `by` gives.
 * - *global table*: the whole topic, read by every task, folded into one value. The topic has one
 *   partition: a restart folds it again, and between several it would not know the order.
 */

import type { Topic } from '../../../schemas/topic.ts'
import { RuntimeError } from '../errors.ts'

export interface KeyedInput<Value = never, Fields extends keyof Value = keyof Value> {
  readonly kind: 'copartitioned' | 'repartitioned'
  readonly topic: Topic<Value>
  /** Fields to decode; everything when absent. Declared fields are the fast path. */
  readonly fields: readonly Fields[] | undefined
  /** The key under which the pipeline sees the record. */
  readonly by: (value: Value) => string
}

export interface GlobalInput<Value = never, State = unknown> {
  readonly kind: 'global'
  readonly topic: Topic<Value>
  readonly empty: State
  /** Pure; folds one record into the table. */
  readonly fold: (state: State, value: Value) => State
}

// `any` stands for "some input": handlers get the exact type by inference in definePipeline.
/* eslint-disable @typescript-eslint/no-explicit-any */
export type AnyKeyedInput = KeyedInput<any, any>
export type AnyGlobalInput = GlobalInput<any, any>
/* eslint-enable @typescript-eslint/no-explicit-any */

/** What a handler sees of a record: the declared fields, or the whole value. */
export type RecordOf<Input> =
  Input extends KeyedInput<infer Value, infer Fields> ? Readonly<Pick<Value, Fields>> : never

export type GlobalStateOf<Input> = Input extends GlobalInput<infer _, infer State> ? State : never

export function copartitioned<Value>(topic: Topic<Value>): KeyedInput<Value>
export function copartitioned<Value, const Fields extends Extract<keyof Value, string>>(
  topic: Topic<Value>,
  fields: readonly Fields[],
): KeyedInput<Value, Fields>
export function copartitioned<Value>(
  topic: Topic<Value>,
  fields?: readonly Extract<keyof Value, string>[],
): KeyedInput<Value> {
  return { kind: 'copartitioned', topic, fields, by: topic.keyOf }
}

export const repartitioned = <Value>(
  topic: Topic<Value>,
  options: { readonly by: (value: Value) => string },
): KeyedInput<Value> => ({ kind: 'repartitioned', topic, fields: undefined, by: options.by })

export const globalTable = <Value, State>(
  topic: Topic<Value>,
  options: { readonly empty: State; readonly fold: (state: State, value: Value) => State },
): GlobalInput<Value, State> => {
  if (topic.partitions !== 1) {
    throw new RuntimeError(
      'TOPOLOGY_INVALID',
      `Topic '${topic.name}' of a global table has ${topic.partitions} partitions; it must have 1, so that ` +
        `its records have one order, after a restart, too`,
    )
  }
  return { kind: 'global', topic, ...options }
}
