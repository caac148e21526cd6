/**
 * What a pipeline's state was built by, as its task changelog says it, and which changes of a
 * pipeline can go on with that state.
 *
 * - C1: nothing that the state was built with vanishes unsaid: a store or an input that is no longer
 *   declared must be named in the pipeline's `forgets`.
 * - C2: what has the same name is the same thing: kind of a store, times of a window, kind of an
 *   input. Open windows would have other bounds, keys would mean something else.
 * - C3: the home row stays: all keys hang on it.
 *
 * A lower version is no reason to stop: whoever rolls back needs it, and changelogs are
 * FULL_TRANSITIVE for that. What a newer version keeps besides stops it by C1.
 */

import { RuntimeError } from '../errors.ts'
import type { Pipeline } from './define-pipeline.ts'
import type { SessionSpec } from './session-window.ts'
import { storesOf } from './state-layout.ts'
import type { WindowSpec } from './windows.ts'

const RAW = 'raw'

export interface TopologyRecord {
  readonly version: number
  /** The first one is the home row. */
  readonly stores: readonly {
    readonly name: string
    readonly kind: string
    readonly times: string
  }[]
  readonly inputs: readonly { readonly topic: string; readonly kind: string }[]
}

export const topologyRecordOf = (pipeline: Pipeline): TopologyRecord => ({
  version: pipeline.version,
  stores: storesOf(pipeline).map(({ name, kind }) => ({
    name,
    kind,
    times: timesOf(pipeline.windows[name]?.window),
  })),
  inputs: [
    ...Object.values(pipeline.inputs).map(({ topic, kind }) => ({ topic: topic.name, kind })),
    ...Object.values(pipeline.raw).map(({ topic }) => ({ topic, kind: RAW })),
  ],
})

/** @throws RuntimeError TOPOLOGY_CHANGED when the pipeline cannot go on with the state (C1 to C3) */
export const checkTopology = (recorded: TopologyRecord, pipeline: Pipeline): void => {
  const now = topologyRecordOf(pipeline)
  const fault =
    homeFault(recorded, now) ??
    firstOf(recorded.stores, (store) => storeFault(store, now, { pipeline, recorded })) ??
    firstOf(recorded.inputs, (input) => inputFault(input, now, pipeline))
  if (fault === undefined) return
  throw new RuntimeError(
    'TOPOLOGY_CHANGED',
    `Pipeline '${pipeline.name}' version ${pipeline.version} cannot go on with the state of version ` +
      `${recorded.version}: ${fault.fact}; ${fault.wayOut}, or run it under a new application id`,
  )
}

interface Fault {
  readonly fact: string
  readonly wayOut: string
}

/** C3 */
const homeFault = (recorded: TopologyRecord, now: TopologyRecord): Fault | undefined => {
  const was = recorded.stores[0]?.name
  const is = now.stores[0]?.name ?? ''
  if (was === undefined || was === is) return undefined
  return {
    fact: `the row '${was}', which holds its keys, is '${is}' now`,
    wayOut: `call it '${was}' again`,
  }
}

/** C1, C2 */
const storeFault = (
  { name, kind, times }: TopologyRecord['stores'][number],
  now: TopologyRecord,
  { pipeline, recorded }: { readonly pipeline: Pipeline; readonly recorded: TopologyRecord },
): Fault | undefined => {
  const store = now.stores.find((candidate) => candidate.name === name)
  const forgets = `\`forgets: ['${name}']\``
  if (store === undefined) {
    if (pipeline.forgets.includes(name)) return undefined
    return {
      fact: `${kind} '${name}' is gone`,
      wayOut: `declare it again, run version ${recorded.version}, or give up what it holds by ${forgets}`,
    }
  }
  const rename = `give the new one another name and declare ${forgets}`
  if (store.kind !== kind) {
    return { fact: `'${name}' was a ${kind} and is a ${store.kind} now`, wayOut: rename }
  }
  if (store.times === times) return undefined
  return {
    fact: `window '${name}' had ${times} and has ${store.times} now`,
    wayOut: `${rename}, which drops the windows that are open`,
  }
}

/** C1, C2 */
const inputFault = (
  { topic, kind }: TopologyRecord['inputs'][number],
  now: TopologyRecord,
  { forgets }: Pipeline,
): Fault | undefined => {
  const input = now.inputs.find((candidate) => candidate.topic === topic)
  if (input === undefined) {
    // Which topics of others are read is configuration; one that comes back is read on.
    if (kind === RAW || forgets.includes(topic)) return undefined
    return {
      fact: `its input '${topic}' is gone`,
      wayOut: `read it again, or give up what was not read of it by \`forgets: ['${topic}']\``,
    }
  }
  if (input.kind === kind) return undefined
  return {
    fact: `its input '${topic}' was ${kind} and is ${input.kind} now, so its keys mean something else`,
    wayOut: `make it ${kind} again`,
  }
}

const firstOf = <Item>(
  items: readonly Item[],
  faultOf: (item: Item) => Fault | undefined,
): Fault | undefined => items.flatMap((item) => faultOf(item) ?? [])[0]

const timesOf = (window: WindowSpec | SessionSpec | undefined): string => {
  if (window === undefined) return ''
  const times = Object.entries(window).filter(([name]) => name !== 'kind')
  return times.map(([name, ms]) => `${name} ${ms}`).join(', ')
}
