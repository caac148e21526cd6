import { describe, expect, it } from 'vitest'
import { createMetrics } from './metrics.ts'

const metrics = () => createMetrics({ service: 'probe', processMetrics: false })

it('exposes what was counted, with the service as label', async () => {
  const { registry, ...make } = metrics()
  make
    .counter({ name: 'probe_records_total', help: 'Records', labels: ['topic'] })
    .inc({ topic: 'a' }, 2)
  make.gauge({
    name: 'probe_lag_records',
    help: 'Lag',
    collect: (gauge) => {
      gauge.set(7)
    },
  })
  const text = await registry.metrics()
  expect(text).toContain('probe_records_total{topic="a",service="probe"} 2')
  expect(text).toContain('probe_lag_records{service="probe"} 7')
})

it('forgets what a collected gauge no longer sets', async () => {
  const { registry, gauge } = metrics()
  const partitions = new Set(['0', '1'])
  gauge({
    name: 'probe_lag_records',
    help: 'Lag',
    labels: ['partition'],
    collect: (lag) => {
      for (const partition of partitions) lag.set({ partition }, 7)
    },
  })
  expect(await registry.metrics()).toContain('partition="1"')
  partitions.delete('1')
  expect(await registry.metrics()).not.toContain('partition="1"')
})

it('keeps registries of two processes in one program apart', () => {
  const declare = () => metrics().counter({ name: 'probe_records_total', help: 'Records' })
  expect(() => [declare(), declare()]).not.toThrow()
})

it('includes the process itself by default', async () => {
  const text = await createMetrics({ service: 'probe' }).registry.metrics()
  expect(text).toContain('process_resident_memory_bytes')
})

describe('names', () => {
  it.each([
    {
      title: 'a counter without _total',
      declare: () => metrics().counter({ name: 'a_b', help: 'x' }),
    },
    {
      title: 'a gauge with _total',
      declare: () => metrics().gauge({ name: 'a_b_total', help: 'x' }),
    },
    { title: 'camelCase', declare: () => metrics().gauge({ name: 'lagRecords_x', help: 'x' }) },
    { title: 'one word', declare: () => metrics().gauge({ name: 'lag', help: 'x' }) },
  ])('refuse $title', ({ declare }) => {
    expect(declare).toThrow(/metric name/)
  })
})
