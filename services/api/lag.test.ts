import { expect, it } from 'vitest'
import { lagInMetrics, recordsBehind } from './lag.ts'

const position = (partition: number, next_offset: number) => ({ partition, next_offset })

it.each([
  {
    title: 'caught up',
    positions: [position(0, 10)],
    ends: [{ partition: 0, offset: 10 }],
    behind: 0,
  },
  { title: 'behind', positions: [position(0, 7)], ends: [{ partition: 0, offset: 10 }], behind: 3 },
  {
    title: 'a partition never read',
    positions: [],
    ends: [{ partition: 3, offset: 4 }],
    behind: 4,
  },
  {
    title: 'a position ahead of the last stable offset',
    positions: [position(0, 12)],
    ends: [{ partition: 0, offset: 10 }],
    behind: 0,
  },
  {
    title: 'several partitions',
    positions: [position(0, 1), position(1, 2)],
    ends: [
      { partition: 0, offset: 5 },
      { partition: 1, offset: 5 },
    ],
    behind: 7,
  },
])('$title: $behind records', ({ positions, ends, behind }) => {
  expect(recordsBehind(positions, ends)).toBe(behind)
})

it('sums what processes say of each pipeline', () => {
  const metrics = [
    '# TYPE worker_lag_records gauge',
    'worker_lag_records{pipeline="rollups",partition="0",service="worker"} 3',
    'worker_lag_records{pipeline="rollups",partition="1",service="worker"} 4',
    'worker_records_total{pipeline="rollups",partition="1"} 900',
    'worker_lag_records{partition="0",pipeline="anomalies"} 0',
  ]
  expect(lagInMetrics(metrics.join('\n'))).toEqual([
    { consumer: 'rollups', topic: null, records: 7 },
    { consumer: 'anomalies', topic: null, records: 0 },
  ])
})
