/** What runs, written by the supervisor at every change and read by `status` and `down`, which are other processes. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'

import { systemCode } from './errors.ts'
import type { DataLayout } from './layout.ts'
import type { ProcessStatus } from './managed-process.ts'
import type { StackPorts } from './ports.ts'
import type { ProcessIdentity } from './process-identity.ts'

/** Its identity is the supervisor's: a state whose supervisor is gone is only a trace. */
export interface StackState extends ProcessIdentity {
  /** Epoch ms. */
  readonly since: number
  readonly ports: StackPorts
  readonly processes: readonly ProcessStatus[]
}

export const writeStackState = (layout: DataLayout, state: StackState): void => {
  writeFileSync(`${layout.state}.tmp`, JSON.stringify(state))
  renameSync(`${layout.state}.tmp`, layout.state)
}

/** Written by ourselves and atomically, in a folder whose version has been checked: its shape is trusted. */
export const readStackState = (layout: DataLayout): StackState | undefined => {
  try {
    return JSON.parse(readFileSync(layout.state, 'utf8')) as StackState
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}
