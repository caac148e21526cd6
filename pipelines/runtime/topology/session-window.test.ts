import { describe, expect, it } from 'vitest'
import { session, sessionEndMs, touchesSession } from './session-window.ts'

describe('a session of events at 100 and 130 with a gap of 50', () => {
  const spec = session({ gapMs: 50, graceMs: 0 })
  it.each([
    { timeMs: 50, touches: false, title: 'a gap before its first event' },
    { timeMs: 51, touches: true, title: 'just less than a gap before it' },
    { timeMs: 100, touches: true, title: 'its first event again' },
    { timeMs: 115, touches: true, title: 'inside' },
    { timeMs: 179, touches: true, title: 'just less than a gap behind its last event' },
    { timeMs: 180, touches: false, title: 'a gap behind it, which is its end' },
  ])('$title: $touches', ({ timeMs, touches }) => {
    expect(sessionEndMs(spec, 130)).toBe(180)
    expect(touchesSession(spec, { firstMs: 100, lastMs: 130 }, timeMs)).toBe(touches)
  })
})

describe('sessions of at most 100 with a gap of 50', () => {
  const spec = session({ gapMs: 50, graceMs: 0, maxLengthMs: 100 })
  it.each([
    { lastMs: 140, endMs: 190, title: 'ends a gap behind its last event' },
    { lastMs: 150, endMs: 200, title: 'ends where both say so' },
    { lastMs: 199, endMs: 200, title: 'is cut' },
    { lastMs: 200, endMs: 250, title: 'begins behind the cut' },
  ])('$title', ({ lastMs, endMs }) => {
    expect(sessionEndMs(spec, lastMs)).toBe(endMs)
  })
  it.each([
    { session: { firstMs: 190, lastMs: 199 }, timeMs: 200, touches: false },
    { session: { firstMs: 200, lastMs: 210 }, timeMs: 199, touches: false },
    { session: { firstMs: 190, lastMs: 190 }, timeMs: 199, touches: true },
  ])('the cut parts what is near: $session.firstMs and $timeMs', ({ session, timeMs, touches }) => {
    expect(touchesSession(spec, session, timeMs)).toBe(touches)
  })
})

it.each([
  { title: 'no gap', options: { gapMs: 0, graceMs: 0 } },
  { title: 'a grace below zero', options: { gapMs: 1, graceMs: -1 } },
  { title: 'a length below the gap', options: { gapMs: 10, graceMs: 0, maxLengthMs: 9 } },
  { title: 'thousands of open sessions', options: { gapMs: 1, graceMs: 1_001 } },
])('refuses $title', ({ options }) => {
  expect(() => session(options)).toThrow(/not possible/)
})
