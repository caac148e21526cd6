/** What all reports have in common. */
import type { Machine } from './machine.ts'

export interface AboutReport {
  readonly runs: number
  readonly commit: string
  readonly date: string
  readonly machine: Machine
}

export const aboutLine = ({ runs, commit, date, machine }: AboutReport): string =>
  `${runs === 1 ? 'one run' : `${runs} runs, medians`}; commit ${commit}, ${date}; ${machine.cpu}, ` +
  `${String(machine.cores)} cores, load ${machine.load_at_start.toFixed(1)} at the start`

/** First column to the left, numbers to the right. */
export const table = (rows: readonly (readonly string[])[]): string[] => {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return column === 0 ? cell.padEnd(width) : cell.padStart(width)
      })
      .join('  ')
      .trimEnd(),
  )
}
