import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CLOSING_MS, TickClock, tickIntervalMs } from './tick-clock.ts'

const everySeconds = (seconds: number, moments = 100) => ({
  firstMs: 0,
  lastMs: (moments - 1) * seconds * 1000,
  moments,
})

describe('the grid', () => {
  it.each([
    { title: 'five-second data', files: [everySeconds(5)], ms: 5_000 },
    { title: 'denser data', files: [everySeconds(1)], ms: 5_000 },
    { title: 'minutes', files: [everySeconds(60)], ms: 60_000 },
    { title: 'five minutes', files: [everySeconds(300)], ms: 300_000 },
    { title: 'hours', files: [everySeconds(3600)], ms: 300_000 },
    { title: 'the densest of many', files: [everySeconds(3600), everySeconds(30)], ms: 30_000 },
    { title: 'a single point', files: [everySeconds(5, 1)], ms: 300_000 },
    { title: 'a step off the grid', files: [everySeconds(61)], ms: 60_000 },
  ])('follows $title', ({ files, ms }) => {
    expect(tickIntervalMs(files)).toBe(ms)
  })
})

describe('the clock', () => {
  it('ticks once per crossing and jumps over holes', () => {
    const clock = new TickClock(5_000)
    const reached = [7_000, 9_999, 10_000, 10_001, 1_000_123, 1_000_124]
    expect(reached.map((time) => clock.reach(time))).toEqual([
      ...[5_000, undefined, 10_000, undefined, 1_000_000, undefined],
    ])
  })

  it('is never ahead of the points that follow', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000_000)), (times) => {
        const clock = new TickClock(5_000)
        for (const time of times.sort((a, b) => a - b)) {
          const tick = clock.reach(time)
          if (tick !== undefined) expect(tick).toBeLessThanOrEqual(time)
        }
      }),
    )
  })

  it('goes on after the last point until windows have closed', () => {
    const clock = new TickClock(300_000)
    clock.reach(1_000_000)
    expect(clock.close(1_000_000, Infinity)).toEqual([1_200_000, 1_500_000])
  })

  it('closes every window that ends within the closing time less one step', () => {
    const clock = new TickClock(5_000)
    expect(clock.close(0, Infinity).at(-1)).toBe(CLOSING_MS)
  })

  it('never passes the present', () => {
    const clock = new TickClock(5_000)
    expect(clock.close(100_000, 111_000)).toEqual([105_000, 110_000])
  })
})
