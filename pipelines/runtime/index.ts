/** What a pipeline's author needs. How it runs: `task/` (pure), `kafka/` (shell), `testing/`. */

export { definePipeline } from './topology/define-pipeline.ts'
export type { Context, Pipeline } from './topology/define-pipeline.ts'
export { copartitioned, globalTable, repartitioned } from './topology/inputs.ts'
export { cell, ring, row, timer } from './topology/state.ts'
export type { StateViews, Timer } from './topology/state.ts'
export { hopping, tumbling } from './topology/windows.ts'
export type { WindowBounds } from './topology/windows.ts'
export type { Cell } from './stores/cell-store.ts'
export type { Ring } from './stores/ring-store.ts'
export type { RowView } from './stores/row-table.ts'
export { days, hours, minutes, seconds } from './time.ts'
