/**
 * From a pipeline's declared state to stores.
 *
 * The declared row, or an empty one called `keys`, is the *home* row: it also carries what the
 * runtime keeps per key (clock, tenant, timers), so that this costs no changelog of its own.
 */

import type { AvroSchema } from '../../../schemas/topic.ts'
import { CellStore } from '../stores/cell-store.ts'
import type { StateStore } from '../stores/changelog.ts'
import { RingStore } from '../stores/ring-store.ts'
import { RowStore } from '../stores/row-store.ts'
import { SessionStore } from '../stores/session-store.ts'
import { WindowStore } from '../stores/window-store.ts'
import type { Pipeline } from './define-pipeline.ts'
import { KEYS_STORE } from './store-names.ts'

export const CLOCK_FIELD = '_clock'
export const TENANT_FIELD = '_tenant'
export const timerField = (name: string): string => `_timer_${name}`

export interface StateLayout {
  readonly home: RowStore
  readonly cells: readonly CellStore[]
  readonly rings: readonly RingStore[]
  readonly windows: readonly WindowStore[]
  readonly sessions: readonly SessionStore[]
  /** Timers by declared name. */
  readonly timers: readonly string[]
}

export const layOutState = (pipeline: Pipeline): StateLayout => {
  const specs = Object.entries(pipeline.state)
  const windows = Object.entries(pipeline.windows)
  const rowEntry = specs.find(([, spec]) => spec.kind === 'row')
  const timers = specs.filter(([, spec]) => spec.kind === 'timer').map(([name]) => name)
  const initial: Record<string, number> = {
    [CLOCK_FIELD]: Number.NEGATIVE_INFINITY,
    [TENANT_FIELD]: 0,
  }
  for (const name of timers) initial[timerField(name)] = Number.NaN
  if (rowEntry?.[1].kind === 'row') Object.assign(initial, rowEntry[1].initial)
  return {
    home: new RowStore({ name: rowEntry?.[0] ?? KEYS_STORE, initial }),
    cells: specs.flatMap(([name, spec]) =>
      spec.kind === 'cell' ? [new CellStore({ name, schema: spec.schema })] : [],
    ),
    rings: specs.flatMap(([name, spec]) =>
      spec.kind === 'ring' ? [new RingStore({ name, capacity: spec.capacity })] : [],
    ),
    windows: windows.flatMap(([name, { window, row, cell }]) =>
      window.kind === 'aligned' ? [new WindowStore({ name, window, initial: row, cell })] : [],
    ),
    sessions: windows.flatMap(([name, { window, row, cell }]) =>
      window.kind === 'session' ? [new SessionStore({ name, window, initial: row, cell })] : [],
    ),
    timers,
  }
}

export type StoreKind = 'row' | 'cell' | 'ring' | 'window' | 'session'

/** Name, kind and changelog schema of every store of a pipeline, the home row first. */
export const storesOf = (
  pipeline: Pipeline,
): { name: string; kind: StoreKind; schema: AvroSchema }[] => {
  const { home, cells, rings, windows, sessions } = layOutState(pipeline)
  const as = (kind: StoreKind, stores: readonly StateStore[]) =>
    stores.map(({ name, schema }) => ({ name, kind, schema }))
  return [
    ...as('row', [home]),
    ...as('cell', cells),
    ...as('ring', rings),
    ...as('window', windows),
    ...as('session', sessions),
  ]
}
