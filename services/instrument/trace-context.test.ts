import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { baggageOf, parentOf, traceParent } from './trace-context.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const good = `00-${TRACE}-${SPAN}-01`

describe('traceparent', () => {
  it.each([
    { title: 'sampled', header: good, flags: 1 },
    { title: 'not sampled', header: `00-${TRACE}-${SPAN}-00`, flags: 0 },
    { title: 'sampled, with a random trace id', header: `00-${TRACE}-${SPAN}-03`, flags: 3 },
    {
      title: 'with flags nobody knows, which go no further',
      header: `00-${TRACE}-${SPAN}-ff`,
      flags: 3,
    },
    { title: 'of a later version', header: `01-${TRACE}-${SPAN}-01`, flags: 1 },
    { title: 'of a later version that says more', header: `cc-${TRACE}-${SPAN}-01-more`, flags: 1 },
  ])('$title', ({ header, flags }) => {
    const parent = parentOf({ traceparent: header })
    expect(parent).toEqual({ traceId: TRACE, spanId: SPAN, flags, traceState: undefined })
  })

  it.each([
    { title: 'empty', header: '' },
    { title: 'no header', header: undefined },
    { title: 'version ff', header: `ff-${TRACE}-${SPAN}-01` },
    { title: 'more behind version 00', header: `${good}-more` },
    { title: 'more without a dash', header: `01-${TRACE}-${SPAN}-01more` },
    { title: 'trace id of zeros', header: `00-${'0'.repeat(32)}-${SPAN}-01` },
    { title: 'span id of zeros', header: `00-${TRACE}-${'0'.repeat(16)}-01` },
    { title: 'upper case', header: good.toUpperCase() },
    { title: 'short trace id', header: `00-${TRACE.slice(1)}-${SPAN}-01` },
    { title: 'no flags', header: `00-${TRACE}-${SPAN}` },
    { title: 'no hex', header: `00-${TRACE.replace('4', 'g')}-${SPAN}-01` },
    { title: 'sent twice', header: `${good}, ${good}` },
    { title: 'a space before', header: ` ${good}` },
    { title: 'a line break behind', header: `${good}\n` },
  ])('is ignored: $title', ({ header }) => {
    expect(parentOf({ traceparent: header, tracestate: 'a=1' })).toBeUndefined()
  })

  it('reads back what it writes, and never throws', () => {
    const hex = (length: number) =>
      fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`)).filter((id) => !/^0+$/.test(id))
    fc.assert(
      fc.property(hex(32), hex(16), fc.integer({ min: 0, max: 3 }), (traceId, spanId, flags) => {
        const parent = parentOf({ traceparent: traceParent(traceId, spanId, flags) })
        expect(parent).toEqual({ traceId, spanId, flags, traceState: undefined })
      }),
    )
    fc.assert(
      fc.property(fc.string(), fc.string(), (traceparent, tracestate) => {
        parentOf({ traceparent, tracestate })
      }),
    )
  })
})

describe('tracestate', () => {
  const stateOf = (tracestate: string | string[]) =>
    parentOf({ traceparent: good, tracestate })?.traceState

  it.each(['rojo=00f067aa0ba902b7', 'a=1,b=2', 'a=1 , b=2', 't61@acme=1', 'a=1,,b=2', 'a= x'])(
    'is passed on as it came: %s',
    (header) => {
      expect(stateOf(header)).toBe(header)
    },
  )

  it.each([
    { title: 'empty', header: '' },
    { title: 'a key in upper case', header: 'A=1' },
    { title: 'no value', header: 'a=' },
    { title: 'a control character', header: 'a=\u0007' },
    { title: 'one bad member', header: 'a=1,b' },
    { title: '33 members', header: Array.from({ length: 33 }, (_, i) => `k${i}=1`).join(',') },
    { title: 'longer than is passed on', header: `a=${'x'.repeat(5_000)}` },
  ])('is dropped, the trace is not: $title', ({ header }) => {
    expect(stateOf(header)).toBeUndefined()
    expect(parentOf({ traceparent: good, tracestate: header })?.traceId).toBe(TRACE)
  })

  it('32 members are passed on', () => {
    const header = Array.from({ length: 32 }, (_, i) => `k${i}=1`).join(',')
    expect(stateOf(header)).toBe(header)
  })
})

it.each([
  { title: 'as it came', header: 'user=7;x=1, b=2', is: 'user=7;x=1, b=2' },
  { title: 'none', header: undefined, is: undefined },
  { title: 'empty', header: '', is: undefined },
  { title: 'up to 8,192 characters', header: 'x'.repeat(8_192), is: 'x'.repeat(8_192) },
  { title: 'not beyond', header: 'x'.repeat(8_193), is: undefined },
])('baggage is passed on: $title', ({ header, is }) => {
  expect(baggageOf({ baggage: header })).toBe(is)
})
