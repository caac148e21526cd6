import { expect, it } from 'vitest'
import { createTestDriver } from '../../pipelines/runtime/testing/test-driver.ts'
import { expectedOf } from './expected.ts'
import { createWorkload, workloadPoints, type Decode } from './workload.ts'

it.each([
  { title: 'windows and points that stand out', records: 6_000, series: 10 },
  { title: 'a step that not all series have', records: 1_234, series: 7 },
  { title: 'more series than records', records: 5, series: 10 },
  { title: 'a window that the last point just closes', records: 13, series: 1 },
])('computes the answer from the input alone: $title', ({ records, series }) => {
  for (const decode of ['fields', 'objects'] satisfies Decode[]) {
    const { pipeline, input, windows, deviations } = createWorkload({ name: 'bench', decode })
    const driver = createTestDriver(pipeline)
    driver.pipe(input, ...workloadPoints({ records, series }))
    expect({
      windows: driver.read(windows).length,
      deviations: driver.read(deviations).length,
    }).toEqual(expectedOf({ records, series }))
  }
})

it('has points that stand out, or nothing would be compared', () => {
  expect(expectedOf({ records: 6_000, series: 10 }).deviations).toBeGreaterThan(0)
})
