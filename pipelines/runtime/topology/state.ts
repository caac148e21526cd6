/** What a pipeline may keep per key, declared by kind; see `stores/` for how each is held. */

import type { AvroSchema } from '../../../schemas/topic.ts'
import type { Cell } from '../stores/cell-store.ts'
import type { Ring } from '../stores/ring-store.ts'
import type { RowView } from '../stores/row-table.ts'

/** Numbers in flat memory: a handful per key, the cheapest state there is. At most one per pipeline. */
export interface RowSpec<Field extends string = string> {
  readonly kind: 'row'
  readonly initial: Readonly<Record<Field, number>>
}

/** The last `capacity` numbers. */
export interface RingSpec {
  readonly kind: 'ring'
  readonly capacity: number
}

/** One Avro value, or nothing. */
export interface CellSpec<Value = unknown> {
  readonly kind: 'cell'
  readonly schema: AvroSchema
  /** Never there; carries the type. */
  readonly type?: Value
}

/** Wakes the pipeline once, when the key's clock reaches the time set. */
export interface TimerSpec {
  readonly kind: 'timer'
}

export type StateSpec = RowSpec | RingSpec | CellSpec | TimerSpec
export type StateSpecs = Readonly<Record<string, StateSpec>>

export interface Timer {
  /** Event time in ms at which to wake, or NaN when not set. */
  readonly atMs: number
  set(atMs: number): void
  clear(): void
}

export type StateView<Spec> =
  Spec extends RowSpec<infer Field>
    ? RowView<Field>
    : Spec extends RingSpec
      ? Ring
      : Spec extends CellSpec<infer Value>
        ? Cell<Value>
        : Spec extends TimerSpec
          ? Timer
          : never

export type StateViews<Specs> = { readonly [Name in keyof Specs]: StateView<Specs[Name]> }

export const row = <const Initial extends Readonly<Record<string, number>>>(
  initial: Initial,
): RowSpec<Extract<keyof Initial, string>> => ({ kind: 'row', initial })

export const ring = (options: { readonly capacity: number }): RingSpec => ({
  kind: 'ring',
  ...options,
})

export const cell = <Value>(schema: AvroSchema): CellSpec<Value> => ({ kind: 'cell', schema })

export const timer = (): TimerSpec => ({ kind: 'timer' })
