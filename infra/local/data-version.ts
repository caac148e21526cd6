/**
 * The layout version of a data folder. A folder of an older layout is upgraded step by step; one of a newer layout is refused,
 * because what it holds may mean something else there.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'

import { StackError, systemCode } from './errors.ts'
import type { DataLayout } from './layout.ts'

export const layoutVersion = 1

/** `upgrades[n]` turns layout n into n + 1. It must be safe to repeat: a kill may come between it and the new version file. */
export type Upgrade = (layout: DataLayout) => void
const upgrades: Readonly<Record<number, Upgrade>> = {}

export type VersionVerdict =
  | { readonly kind: 'new' } // nothing there yet
  | { readonly kind: 'current' }
  | { readonly kind: 'upgrade'; readonly from: number }
  | { readonly kind: 'refuse'; readonly reason: string }

export interface VersionQuestion {
  /** Content of the version file; undefined when there is none. */
  readonly text: string | undefined
  /** Whether the folder holds anything that is not ours to overwrite. */
  readonly holdsOther: boolean
  readonly current?: number
  readonly upgradable?: (from: number) => boolean
}

export const judgeVersion = ({
  text,
  holdsOther,
  current = layoutVersion,
  upgradable = (from) => from in upgrades,
}: VersionQuestion): VersionVerdict => {
  if (text === undefined) {
    return holdsOther
      ? {
          kind: 'refuse',
          reason: 'it holds files but no version file, so it is not a data folder of Millrace',
        }
      : { kind: 'new' }
  }
  const version = /^\d+$/.test(text.trim()) ? Number(text.trim()) : undefined
  if (version === undefined) {
    return {
      kind: 'refuse',
      reason: `its version file says ${JSON.stringify(text.trim().slice(0, 40))}, which is no version`,
    }
  }
  if (version === current) return { kind: 'current' }
  if (version > current) {
    return {
      kind: 'refuse',
      reason: `its layout ${String(version)} is newer than ${String(current)}, the newest that this version of Millrace reads`,
    }
  }
  for (let from = version; from < current; from++) {
    if (!upgradable(from)) {
      return {
        kind: 'refuse',
        reason: `its layout ${String(version)} is too old to be upgraded to ${String(current)}`,
      }
    }
  }
  return { kind: 'upgrade', from: version }
}

const writeVersion = (layout: DataLayout, version: number): void => {
  const temporary = `${layout.version}.tmp`
  writeFileSync(temporary, `${String(version)}\n`)
  renameSync(temporary, layout.version)
}

const readVersion = (layout: DataLayout): string | undefined => {
  try {
    return readFileSync(layout.version, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

export const ensureVersion = (layout: DataLayout, holdsOther: boolean): void => {
  const verdict = judgeVersion({ text: readVersion(layout), holdsOther })
  switch (verdict.kind) {
    case 'current':
      return
    case 'new':
      writeVersion(layout, layoutVersion)
      return
    case 'upgrade':
      for (let from = verdict.from; from < layoutVersion; from++) {
        upgrades[from]?.(layout)
        writeVersion(layout, from + 1)
      }
      return
    case 'refuse':
      throw new StackError(
        'DATA_VERSION',
        `The data folder ${layout.root} cannot be used: ${verdict.reason}; choose another --data, or move it away and start afresh.`,
      )
  }
}
