/** A broker that stands still nine tenths of the time: the worker waits, in bounded memory. */
import { expect, it } from 'vitest'
import { withoutLocalServers } from '../test/stack.ts'
import { WORKER_BOUND_MIB } from './bounds/backlog.ts'
import { drillSlowBroker } from './bounds/slow-broker.ts'

const RECORDS = 1_000_000
const STOPPED_MS = 900
const reason = withoutLocalServers()

it.skipIf(reason !== undefined)(
  `keeps a worker of a slow broker within its bound, and its output exact${reason === undefined ? '' : ` (${reason})`}`,
  async () => {
    const records = RECORDS
    const figures = await drillSlowBroker({ records, stoppedMs: STOPPED_MS, runningMs: 100 })
    process.stdout.write(`${JSON.stringify({ records, ...figures })}\n`)
    // It was slow indeed: commits had to wait for it.
    expect(figures.commitP99Ms).toBeGreaterThan(STOPPED_MS / 2)
    expect(figures.peakRssMib).toBeLessThan(WORKER_BOUND_MIB)
  },
  600_000,
)
