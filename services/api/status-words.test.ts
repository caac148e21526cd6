import { describe, expect, it } from 'vitest'
import type { Stored } from './queries/totals.ts'
import { duration, inWords } from './status-words.ts'

const nowMs = 1_000_000
const stored = (part: Partial<Stored> = {}): Stored => ({
  totals: { tenants: 1, series: 2, points: 1234, newest_ms: nowMs, ingested_ms: nowMs - 3000 },
  episodes: { episodes: 1, open: 0 },
  gaps: [],
  ...part,
})
const words = (given: Partial<Parameters<typeof inWords>[0]>) =>
  inWords({ stored: stored(), consumers: [], nowMs, ...given })

describe('the state in words', () => {
  it('counts what there is', () => {
    expect(words({})).toEqual([
      'The newest point arrived 3 s ago.',
      '1,234 points of 2 series in 1 tenant.',
      '0 anomalies now, 1 anomaly in all.',
    ])
  })

  it('says that nothing arrives any more', () => {
    const totals = { ...stored().totals, ingested_ms: nowMs - 30_001 }
    expect(words({ stored: stored({ totals }) })[0]).toContain(
      'nothing sends, or the sink is behind',
    )
  })

  it('says that nothing has ever arrived', () => {
    const totals = { ...stored().totals, points: 0 }
    expect(words({ stored: stored({ totals }) })[0]).toContain('No point has arrived yet')
  })

  it.each([
    { records: 5000, said: false },
    { records: 5001, said: true },
  ])('$records records behind are mentioned: $said', ({ records, said }) => {
    const all = words({ consumers: [{ consumer: 'sink', topic: 't', records }] }).join(' ')
    expect(all.includes('sink is')).toBe(said)
  })

  it('puts lost records first', () => {
    const gap = {
      topic: 't',
      partition: 1,
      kind: 'retention',
      from_offset: 1,
      to_offset: 2,
      detail: 'd',
    }
    expect(words({ stored: stored({ gaps: [gap] }) })[0]).toContain(
      't/1 can never reach ClickHouse',
    )
  })

  it('has something to say without ClickHouse', () => {
    expect(words({ stored: undefined }).join(' ')).toContain('ClickHouse does not answer')
  })
})

it.each([
  { ms: -5, text: '0 s' },
  { ms: 119_000, text: '119 s' },
  { ms: 120_000, text: '2 min' },
  { ms: 7_200_000, text: '2 h' },
  { ms: 172_800_000, text: '2 days' },
])('$ms ms is $text', ({ ms, text }) => {
  expect(duration(ms)).toBe(text)
})
