import { describe, expect, it } from 'vitest'
import { NORMAL, NOT_JUDGED, SEVERITIES, type Judgement } from './detector.ts'
import type { RuleSettings } from './settings.ts'
import { emptyMemory, feed, judgementOf, ruleFrom } from './testing/series-memory.ts'

const verdictOf = ({ rank }: Judgement): string =>
  rank === NOT_JUDGED ? 'not judged' : rank === NORMAL ? 'normal' : SEVERITIES[rank]!

/** 1,000 samples with mean 100 and standard deviation 10. */
const deviationMemory = (mean = 100, deviation = 10) => {
  const memory = emptyMemory()
  for (let sample = 0; sample < 1_000; sample++) memory.recent.push(mean)
  memory.series.zMean = mean
  memory.series.zSquares = 999 * deviation ** 2
  return memory
}

/** 50 samples around a baseline of 180. */
const ratioMemory = (baseline = 180) => {
  const memory = emptyMemory()
  memory.series.eMean = baseline
  memory.series.eSamples = 50
  return memory
}

const judged = (value: number, settings: RuleSettings = {}): Judgement =>
  judgementOf(deviationMemory(), value, ruleFrom(settings))

describe('zscore', () => {
  it.each([
    { value: 100, verdict: 'normal' },
    { value: 124.9, verdict: 'normal' },
    { value: 125, verdict: 'normal' },
    { value: 125.01, verdict: 'medium' },
    { value: 130, verdict: 'medium' },
    { value: 130.01, verdict: 'high' },
    { value: 140, verdict: 'high' },
    { value: 140.01, verdict: 'critical' },
    { value: 75, verdict: 'normal' },
    { value: 74.99, verdict: 'medium' },
    { value: 69.99, verdict: 'high' },
    { value: 59.99, verdict: 'critical' },
  ])('finds $value $verdict at mean 100, standard deviation 10', ({ value, verdict }) => {
    expect(verdictOf(judged(value))).toBe(verdict)
  })

  it('gives z = 242.29 and 1284.0 % for 1500 at mean 108.38, standard deviation 5.7436', () => {
    const rule = ruleFrom({ detector: 'zscore' })
    const judgement = judgementOf(deviationMemory(108.38, 5.7436), 1_500, rule)
    expect(judgement.score).toBeCloseTo(242.29, 2)
    expect(verdictOf(judgement)).toBe('critical')
    const percent = rule.detector
      .evidence(judgement)
      .find(({ name }) => name === 'deviationPercent')
    expect(percent?.value).toBeCloseTo(1_284.0, 1)
  })

  it.each([
    { learned: 9, verdict: 'not judged' },
    { learned: 10, verdict: 'critical' },
  ])('after $learned samples: $verdict', ({ learned, verdict }) => {
    const memory = emptyMemory()
    const rule = ruleFrom({})
    feed(
      memory,
      Array.from({ length: learned }, (_, index) => 100 + (index % 2)),
      rule,
    )
    expect(verdictOf(judgementOf(memory, 500, rule))).toBe(verdict)
  })

  it('judges by earlier samples only (D1)', () => {
    const memory = emptyMemory()
    const rule = ruleFrom({})
    const judgements = feed(memory, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1_000], rule)
    expect(judgements.at(-1)?.expected).toBe(5.5)
    expect(judgements.at(-1)?.spread).toBeCloseTo(3.0277, 4)
    expect(judgements.at(-1)?.samples).toBe(10)
  })

  it('remembers the last 1,000 samples', () => {
    const memory = emptyMemory()
    const rule = ruleFrom({})
    const ramp = Array.from({ length: 1_500 }, (_, index) => index)
    const last = feed(memory, [...ramp, 0], rule).at(-1)
    expect(last?.samples).toBe(1_000)
    expect(last?.expected).toBe(999.5)
  })
})

describe('a constant series', () => {
  const constantly = (level: number, value: number, settings: RuleSettings = {}): string => {
    const memory = emptyMemory()
    const rule = ruleFrom(settings)
    feed(
      memory,
      Array.from({ length: 50 }, () => level),
      rule,
    )
    return verdictOf(judgementOf(memory, value, rule))
  }

  it.each([
    { title: 'itself', level: 5, value: 5, verdict: 'normal' },
    { title: 'rounding noise', level: 0.3, value: 0.1 + 0.2, verdict: 'normal' },
    { title: 'a change of 2.4 %', level: 5, value: 5.12, verdict: 'normal' },
    { title: 'a change of 2.6 %', level: 5, value: 5.13, verdict: 'medium' },
    { title: 'a real change', level: 5, value: 7, verdict: 'critical' },
    { title: 'a change of a negative level', level: -5, value: -7, verdict: 'critical' },
    { title: 'zero', level: 0, value: 0, verdict: 'normal' },
    { title: 'the first change from zero', level: 0, value: 1e-300, verdict: 'medium' },
    { title: 'a large first change from zero', level: 0, value: 1e9, verdict: 'medium' },
  ])('of $level meets $title: $verdict', ({ level, value, verdict }) => {
    expect(constantly(level, value)).toBe(verdict)
  })

  it('stays quiet about small changes when told so', () => {
    expect(constantly(0, 3, { minAbsoluteChange: 4 })).toBe('normal')
    expect(constantly(0, 4, { minAbsoluteChange: 4 })).toBe('medium')
  })
})

describe('ewma-ratio', () => {
  const rule = ruleFrom({ detector: 'ewma-ratio' })

  it.each([
    { value: 180, ratio: 1, verdict: 'normal' },
    { value: 539.9, ratio: 2.999, verdict: 'normal' },
    { value: 540, ratio: 3, verdict: 'normal' },
    { value: 540.1, ratio: 3.001, verdict: 'medium' },
    { value: 600, ratio: 3.33, verdict: 'medium' },
    { value: 900, ratio: 5, verdict: 'medium' },
    { value: 900.1, ratio: 5.001, verdict: 'high' },
    { value: 1_250, ratio: 6.94, verdict: 'high' },
    { value: 1e6, ratio: 5_555.56, verdict: 'high' },
    { value: 1, ratio: 180, verdict: 'normal' },
  ])('finds $value at a baseline of 180 $verdict', ({ value, ratio, verdict }) => {
    const judgement = judgementOf(ratioMemory(), value, rule)
    expect(verdictOf(judgement)).toBe(verdict)
    expect(judgement.score).toBeCloseTo(ratio, 2)
  })

  it.each([
    { value: 60, verdict: 'normal' },
    { value: 59.9, verdict: 'medium' },
    { value: 35.9, verdict: 'high' },
    { value: 0, verdict: 'high' },
    { value: 600, verdict: 'normal' },
  ])('watches drops when told so: $value is $verdict', ({ value, verdict }) => {
    const downwards = ruleFrom({ detector: 'ewma-ratio', direction: 'down' })
    expect(verdictOf(judgementOf(ratioMemory(), value, downwards))).toBe(verdict)
  })

  it('follows gradual change without an alarm', () => {
    const memory = emptyMemory()
    const rising = Array.from({ length: 1_000 }, (_, index) => 180 * 1.005 ** index)
    const verdicts = new Set(feed(memory, rising, rule).map(verdictOf))
    expect([...verdicts]).toEqual(['not judged', 'normal'])
    expect(memory.series.eMean).toBeGreaterThan(20_000)
  })

  it('hardly learns from a spike (E1)', () => {
    const memory = ratioMemory()
    feed(memory, [1e9], rule)
    expect(memory.series.eMean).toBeLessThan(182)
  })

  it.each([{ baseline: 0 }, { baseline: -4 }])(
    'has no verdict at a baseline of $baseline (E3)',
    (at) => {
      expect(verdictOf(judgementOf(ratioMemory(at.baseline), 100, rule))).toBe('not judged')
    },
  )
})

it.each([
  { value: 130, verdict: 'normal' },
  { value: 130.01, verdict: 'medium' },
  { value: 140.01, verdict: 'high' },
  { value: 150.01, verdict: 'critical' },
])('three-sigma finds $value $verdict', ({ value, verdict }) => {
  expect(verdictOf(judged(value, { detector: 'three-sigma' }))).toBe(verdict)
})

describe('settings', () => {
  it.each<{ title: string; settings: RuleSettings; value: number; verdict: string }>([
    { title: 'sensitivity 2', settings: { sensitivity: 2 }, value: 112.6, verdict: 'medium' },
    { title: 'sensitivity 2, at', settings: { sensitivity: 2 }, value: 112.5, verdict: 'normal' },
    { title: 'sensitivity 0.5', settings: { sensitivity: 0.5 }, value: 149, verdict: 'normal' },
    {
      title: 'sensitivity 0.5, above',
      settings: { sensitivity: 0.5 },
      value: 151,
      verdict: 'medium',
    },
    { title: 'direction up', settings: { direction: 'up' }, value: 10, verdict: 'normal' },
    {
      title: 'direction up, above',
      settings: { direction: 'up' },
      value: 190,
      verdict: 'critical',
    },
    { title: 'direction down', settings: { direction: 'down' }, value: 190, verdict: 'normal' },
    {
      title: 'direction down, below',
      settings: { direction: 'down' },
      value: 10,
      verdict: 'critical',
    },
    {
      title: 'below minAbsoluteChange',
      settings: { minAbsoluteChange: 50 },
      value: 149.9,
      verdict: 'normal',
    },
    {
      title: 'at minAbsoluteChange',
      settings: { minAbsoluteChange: 50 },
      value: 150,
      verdict: 'critical',
    },
    {
      title: 'below minRelativeChange',
      settings: { minRelativeChange: 0.5 },
      value: 149.9,
      verdict: 'normal',
    },
    {
      title: 'at minRelativeChange',
      settings: { minRelativeChange: 0.5 },
      value: 150,
      verdict: 'critical',
    },
    {
      title: 'more samples wanted',
      settings: { minSamples: 1_001 },
      value: 500,
      verdict: 'not judged',
    },
    {
      title: 'as many samples as wanted',
      settings: { minSamples: 1_000 },
      value: 500,
      verdict: 'critical',
    },
    { title: 'own thresholds', settings: { thresholds: { low: 1 } }, value: 111, verdict: 'low' },
    {
      title: 'own critical',
      settings: { thresholds: { critical: 6 } },
      value: 159,
      verdict: 'high',
    },
  ])('$title: $value is $verdict', ({ settings, value, verdict }) => {
    expect(verdictOf(judged(value, settings))).toBe(verdict)
  })

  it('scale the distance from 1 for ratios', () => {
    const twice = ruleFrom({ detector: 'ewma-ratio', sensitivity: 2 })
    expect(verdictOf(judgementOf(ratioMemory(), 360, twice))).toBe('normal')
    expect(verdictOf(judgementOf(ratioMemory(), 361, twice))).toBe('medium')
  })

  it('widen the band to what is normal (J2)', () => {
    expect(judged(100)).toMatchObject({ lower: 75, upper: 125 })
    expect(judged(100, { minAbsoluteChange: 50 })).toMatchObject({ lower: 50, upper: 150 })
    expect(judged(100, { minAbsoluteChange: 5 })).toMatchObject({ lower: 75, upper: 125 })
  })
})

it.each([1e300, -1e300, Number.MAX_VALUE])('copes with %d', (value) => {
  const memory = emptyMemory()
  const rule = ruleFrom({})
  const judgements = feed(memory, [...Array<number>(20).fill(1), value, 1, 2, value, 3], rule)
  for (const { expected, lower, upper, score } of judgements) {
    expect([expected, lower, upper, score].every(Number.isFinite)).toBe(true)
  }
})
