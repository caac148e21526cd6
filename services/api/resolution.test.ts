import { describe, expect, it } from 'vitest'
import { chooseResolution, nameOf, parseResolution, resolutionNames } from './resolution.ts'

const hour = 3_600_000
const choose = (given: Partial<Parameters<typeof chooseResolution>[0]>) =>
  nameOf(
    chooseResolution({ rangeMs: hour, rawPoints: 0, rolledUpPoints: 0, maxPoints: 100, ...given }),
  )

describe('auto', () => {
  it.each([
    { title: 'nothing at all', given: {}, name: 'raw' },
    { title: 'as many raw points as fit', given: { rawPoints: 100 }, name: 'raw' },
    { title: 'one raw point too many', given: { rawPoints: 101 }, name: '1m' },
    {
      title: 'raw points partly expired, as roll-ups tell',
      given: { rawPoints: 50, rolledUpPoints: 51 },
      name: '1m',
    },
    {
      title: 'raw points not yet rolled up',
      given: { rawPoints: 50, rolledUpPoints: 49 },
      name: 'raw',
    },
    {
      title: '100 minutes in 100 points',
      given: { rangeMs: 100 * 60_000, rawPoints: 999 },
      name: '1m',
    },
    {
      title: '101 minutes in 100 points',
      given: { rangeMs: 101 * 60_000, rawPoints: 999 },
      name: '2m',
    },
    { title: 'a week in 100 points', given: { rangeMs: 168 * hour, rawPoints: 999 }, name: '2h' },
    {
      title: 'a year in 100 points',
      given: { rangeMs: 365 * 24 * hour, rawPoints: 999 },
      name: '4d',
    },
  ])('$title: $name', ({ given, name }) => {
    expect(choose(given)).toBe(name)
  })

  it('never needs more points than asked for', () => {
    for (let days = 1; days < 2000; days = Math.ceil(days * 1.7)) {
      const rangeMs = days * 24 * hour
      const chosen = chooseResolution({
        rangeMs,
        rawPoints: 1e9,
        rolledUpPoints: 0,
        maxPoints: 300,
      })
      if (chosen.kind === 'raw') throw new Error('raw does not fit')
      expect(rangeMs / (chosen.stepMinutes * 60_000)).toBeLessThanOrEqual(300)
    }
  })
})

it('names and parsing agree', () => {
  expect(resolutionNames).toContain('1d')
  for (const name of resolutionNames) {
    const parsed = parseResolution(name)
    expect(parsed && nameOf(parsed)).toBe(name)
  }
  expect(parseResolution('auto')).toBeUndefined()
  expect(parseResolution('7m')).toBeUndefined()
})
