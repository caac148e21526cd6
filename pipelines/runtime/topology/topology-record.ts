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
  inputs: Object.values(pipeline.inputs).map(({ topic, kind }) => ({ topic: topic.name, kind })),
})

/** @throws RuntimeError TOPOLOGY_CHANGED when the pipeline cannot go on with the state (C1 to C3) */
export const checkTopology = (recorded: TopologyRecord, pipeline: Pipeline): void => {
  const refuse = (fact: string, wayOut: string): never => {
    throw new RuntimeError(
      'TOPOLOGY_CHANGED',
      `Pipeline '${pipeline.name}' version ${pipeline.version} cannot go on with the state of version ` +
        `${recorded.version}: ${fact}; ${wayOut}, or run it under a new application id`,
    )
  }
  const now = topologyRecordOf(pipeline)
  for (const [index, was] of recorded.stores.entries()) {
    const store = now.stores.find(({ name }) => name === was.name)
    if (index === 0 && now.stores[0]?.name !== was.name) {
      const home = now.stores[0]?.name ?? ''
      refuse(
        `the row '${was.name}', which holds its keys, is '${home}' now`,
        `call it '${was.name}' again`,
      )
    }
    if (store === undefined) {
      if (pipeline.forgets.includes(was.name)) continue
      refuse(
        `${was.kind} '${was.name}' is gone`,
        `declare it again, run version ${recorded.version}, or give up what it holds by ` +
          `\`forgets: ['${was.name}']\``,
      )
    } else if (store.kind !== was.kind) {
      refuse(
        `'${was.name}' was a ${was.kind} and is a ${store.kind} now`,
        `give the new one another name and declare \`forgets: ['${was.name}']\``,
      )
    } else if (store.times !== was.times) {
      refuse(
        `window '${was.name}' had ${was.times} and has ${store.times} now`,
        `give the new one another name and declare \`forgets: ['${was.name}']\`, which drops the ` +
          'windows that are open',
      )
    }
  }
  for (const { topic, kind } of recorded.inputs) {
    const input = now.inputs.find((candidate) => candidate.topic === topic)
    if (input === undefined) {
      if (pipeline.forgets.includes(topic)) continue
      refuse(
        `its input '${topic}' is gone`,
        `read it again, or give up what was not read of it by \`forgets: ['${topic}']\``,
      )
    } else if (input.kind !== kind) {
      refuse(
        `its input '${topic}' was ${kind} and is ${input.kind} now, so its keys mean something else`,
        `make it ${kind} again`,
      )
    }
  }
}

const timesOf = (window: WindowSpec | SessionSpec | undefined): string => {
  if (window === undefined) return ''
  const times = Object.entries(window).filter(([name]) => name !== 'kind')
  return times.map(([name, ms]) => `${name} ${ms}`).join(', ')
}
