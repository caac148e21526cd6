import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { hashOfSeries, SeriesAdmission, type SeriesRefusal } from './series-admission.ts'

const HOUR_MS = 3_600_000
let nowMs = 0
let refused: SeriesRefusal[] = []
beforeEach(() => {
  nowMs = 0
  refused = []
})

const admission = (total: number, newPerMinute: number) =>
  new SeriesAdmission({
    limits: { total, newPerMinute },
    byTenant: { large: { total: 1000, newPerMinute: 1000 } },
    nowMs: () => nowMs,
    onRefused: (reason) => refused.push(reason),
  })

const admitted = (series: SeriesAdmission, from: number, to: number, tenant = 'acme'): number => {
  let count = 0
  for (let hash = from; hash < to; hash += 1) if (series.admit(tenant, hash)) count += 1
  return count
}

describe('new series', () => {
  it('come in at once up to the total, and no more', () => {
    const series = admission(10, 1)
    expect(admitted(series, 0, 15)).toBe(10)
    expect(refused).toEqual(Array<string>(5).fill('tenant-total'))
  })

  it('that are known come in again, however often', () => {
    const series = admission(10, 1)
    admitted(series, 0, 10)
    for (let times = 0; times < 5; times += 1) expect(admitted(series, 0, 10)).toBe(10)
    expect(refused).toEqual([])
  })

  it('of another tenant do not count', () => {
    const series = admission(10, 1)
    admitted(series, 0, 10)
    expect(admitted(series, 100, 110, 'beta')).toBe(10)
    expect(admitted(series, 0, 500, 'large')).toBe(500)
  })

  it('make room for others when they were not asked for, and come in at the rate', () => {
    const series = admission(10, 1)
    expect(admitted(series, 0, 10)).toBe(10)
    nowMs = 24 * HOUR_MS
    expect(admitted(series, 0, 1)).toBe(1)
    nowMs = 48 * HOUR_MS
    // All but series 0 are forgotten. The bucket is full: nine fit in.
    expect(admitted(series, 100, 200)).toBe(9)
    expect(refused[0]).toBe('tenant-total')
  })

  it('are refused by their rate when there is room and the bucket is empty', () => {
    // Two days in one step: what came in at the end of a day makes room before the bucket is full again.
    const series = admission(100_000, 1)
    nowMs = 24 * HOUR_MS - 1
    expect(admitted(series, 0, 100_000)).toBe(100_000)
    nowMs = 24 * HOUR_MS
    series.admit('acme', 0)
    nowMs = 48 * HOUR_MS
    // 1440 tokens a day since the bucket was emptied.
    expect(admitted(series, 200_000, 300_000)).toBe(24 * 60)
    expect(refused.at(-1)).toBe('tenant-rate')
    nowMs += 120_000
    expect(admitted(series, 400_000, 400_010)).toBe(2)
  })
})

it('a restart lets in what was there, at once', () => {
  const before = admission(1000, 1)
  expect(admitted(before, 0, 1000)).toBe(1000)
  const after = admission(1000, 1)
  expect(admitted(after, 0, 1000)).toBe(1000)
  expect(refused).toEqual([])
})

it('never has more than the total, whatever comes when', () => {
  const step = fc.record({ hash: fc.nat(200), afterMs: fc.nat(HOUR_MS * 5) })
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 300 }),
      fc.integer({ min: 1, max: 50 }),
      (steps, total) => {
        nowMs = 0
        const series = admission(total, 5)
        for (const { hash, afterMs } of steps) {
          nowMs += afterMs
          const isIn = series.admit('acme', hash)
          if (isIn) expect(series.admit('acme', hash)).toBe(true)
          expect(series.size).toBeLessThanOrEqual(total)
        }
      },
    ),
  )
})

it('knows series by the whole of their key', () => {
  const keys = Array.from({ length: 20_000 }, (_, index) => `acme\u001fcpu\u001fhost=web-${index}`)
  expect(new Set(keys.map(hashOfSeries)).size).toBeGreaterThan(19_990)
})
