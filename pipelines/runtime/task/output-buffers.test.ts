import { expect, it } from 'vitest'
import { OutputBuffers } from './output-buffers.ts'

const span = (length: number) => ({ bytes: Buffer.alloc(length), start: 0, end: length })

const bufferedBy = (values: readonly number[], maxBatchBytes?: number) => {
  const buffers = new OutputBuffers(maxBatchBytes === undefined ? undefined : () => maxBatchBytes)
  for (const length of values) buffers.append({ topic: 't', partition: 0 }, span(8), span(length))
  return buffers
}

it.each([
  { title: 'many small records', values: Array<number>(20_000).fill(100), limit: 1_048_588 },
  { title: 'records of 300 kB', values: Array<number>(20).fill(300_000), limit: 1_048_588 },
  { title: 'a topic that takes little', values: Array<number>(500).fill(1_000), limit: 20_000 },
  { title: 'a record just below the limit', values: [10, 1_048_480, 10], limit: 1_048_588 },
  { title: 'a topic that takes much', values: [5_000_000, 5_000_000], limit: 8_000_000 },
])('cuts $title into batches that the topic takes', ({ values, limit }) => {
  const [output] = bufferedBy(values, limit).take()
  const sizes = output?.batches.map((batch) => batch.finish({ timestampMs: 0 }).length) ?? []
  expect(Math.max(...sizes)).toBeLessThanOrEqual(limit)
  expect(output?.batches.reduce((sum, { count }) => sum + count, 0)).toBe(values.length)
})

it.each([
  { title: 'above the default', values: [1_048_588], limit: undefined },
  { title: 'above a lower limit, behind others', values: [100, 100, 20_000], limit: 20_000 },
])('refuses a record $title', ({ values, limit }) => {
  expect(() => bufferedBy(values, limit)).toThrow(/the topic takes/)
})

it('knows how much is pending, headers included, until it is taken', () => {
  const buffers = bufferedBy([1_000, 1_000])
  const headers = [{ key: 'h', value: Buffer.alloc(5_000) }]
  buffers.append({ topic: 't', partition: 1 }, span(0), span(0), headers)
  expect(buffers.pendingBytes).toBeGreaterThan(7_000)
  expect(buffers.pendingBytes).toBeLessThan(7_200)
  buffers.take()
  expect(buffers.pendingBytes).toBe(0)
})

it('keeps some buffers for the next commit, and not all of a large one', () => {
  const buffers = bufferedBy(Array<number>(60).fill(500_000))
  const outputs = buffers.take()
  buffers.recycle(outputs)
  const before = new Set(outputs.flatMap(({ batches }) => batches))
  for (let count = 0; count < 60; count++) {
    buffers.append({ topic: 't', partition: 0 }, span(8), span(500_000))
  }
  const again = buffers.take().flatMap(({ batches }) => batches)
  const kept = again.filter((batch) => before.has(batch))
  const keptBytes = kept.reduce((sum, { capacityBytes }) => sum + capacityBytes, 0)
  expect(kept.length).toBeGreaterThan(0)
  expect(keptBytes).toBeLessThanOrEqual(4 * 1024 * 1024)
})
