/** A million and more rows wait for a slow ClickHouse. */
import { expect, it } from 'vitest'
import { stackEnvironment } from '../test/stack.ts'
import { drillSlowClickHouse, SINK_BOUND_MIB } from './bounds/slow-clickhouse.ts'

const RECORDS = 1_500_000

it('keeps a sink behind a slow ClickHouse within its bound, shows the lag, and loses nothing', async () => {
  const { verdict, ...figures } = await drillSlowClickHouse({
    environment: stackEnvironment(),
    records: RECORDS,
    partitions: 4,
    slowMs: 45_000,
  })
  process.stdout.write(`${JSON.stringify({ records: RECORDS, ...figures })}\n`)
  expect(figures.lagRecords).toBeGreaterThan(RECORDS / 2)
  expect(figures.peakRssMib).toBeLessThan(SINK_BOUND_MIB)
  expect(verdict.ok).toBe(true)
}, 600_000)
