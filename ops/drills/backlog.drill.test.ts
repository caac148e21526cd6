/** Millions of records wait when the worker starts: it works through them in bounded memory. */
import { expect, it } from 'vitest'
import { stackEnvironment } from '../test/stack.ts'
import { drillBacklog, WORKER_BOUND_MIB } from './bounds/backlog.ts'

it.each([
  { title: 'over all keys', records: 3_000_000, hotShare: 0, largeEvery: 1_000_000 },
  { title: '90 % of it of one key', records: 1_000_000, hotShare: 0.9, largeEvery: 1_000_000 },
  { title: 'with records of a megabyte', records: 500_000, hotShare: 0, largeEvery: 1_000 },
])(
  'works through a backlog $title within its bound, and goes on after a restart',
  async ({ title, ...backlog }) => {
    const figures = await drillBacklog({ environment: stackEnvironment(), ...backlog })
    process.stdout.write(`${JSON.stringify({ title, ...figures })}\n`)
    expect(figures.processed).toBe(backlog.records)
    expect(figures.peakRssMib).toBeLessThan(WORKER_BOUND_MIB)
    expect(figures.restoredRecords).toBeGreaterThan(0)
  },
  600_000,
)
