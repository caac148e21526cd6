/** The short version of backlog.drill.test.ts: a hot key and large records at once. */
import { expect, it } from 'vitest'
import { stackEnvironment } from '../test/stack.ts'
import { drillBacklog, WORKER_BOUND_MIB } from './bounds/backlog.ts'

it('works through a backlog of one hot key and large records within its bound, and restarts', async () => {
  const environment = stackEnvironment()
  const records = 100_000
  const figures = await drillBacklog({ environment, records, hotShare: 0.9, largeEvery: 1_000 })
  process.stdout.write(`${JSON.stringify(figures)}\n`)
  expect(figures.processed).toBe(records)
  expect(figures.peakRssMib).toBeLessThan(WORKER_BOUND_MIB)
  expect(figures.restoredRecords).toBeGreaterThan(0)
})
