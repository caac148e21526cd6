import fc from 'fast-check'
import { expect, it } from 'vitest'
import { EncodedSeries } from './encoded-series.ts'

const viewOf = (bytes: Buffer) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length)

/** As the row encoder uses it: looks up, and adds what is missing. */
const encodedBy = (series: EncodedSeries, key: Buffer, encode: () => Buffer): Buffer => {
  // In the middle of other bytes, as in a fetched batch.
  const fetched = Buffer.concat([Buffer.from('ab'), key, Buffer.from('c')])
  const end = 2 + key.length
  if (series.find(viewOf(fetched), 2, end)) {
    const { view, start } = series
    return Buffer.from(view.buffer, view.byteOffset + start, series.end - start)
  }
  const encoded = encode()
  series.add(fetched, 2, end, encoded)
  return encoded
}

const encodingOf = (key: Buffer): Buffer => Buffer.concat([key, Buffer.from('!'), key])

it.each([
  { title: 'with room for all', limitBytes: 1_000_000 },
  { title: 'starting over again and again', limitBytes: 300 },
  { title: 'with room for none', limitBytes: 0 },
])('answers what was encoded for the very same bytes, $title', ({ limitBytes }) => {
  const keys = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 200 })
  fc.assert(
    fc.property(keys, (some) => {
      const series = new EncodedSeries(limitBytes)
      for (const each of [...some, ...some]) {
        const key = Buffer.from(each)
        const encoded = encodedBy(series, key, () => encodingOf(key))
        expect(encoded.equals(encodingOf(key))).toBe(true)
        expect(series.heldBytes).toBeLessThanOrEqual(limitBytes)
      }
    }),
  )
})

it('encodes each of many series once, and never holds more than its limit', () => {
  const limitBytes = 10_000_000
  const series = new EncodedSeries(limitBytes)
  let encodings = 0
  const pass = (count: number) => {
    for (let index = 0; index < count; index++) {
      const key = Buffer.from(`http_request_duration of host-${String(index)}`)
      encodedBy(series, key, () => {
        encodings += 1
        return encodingOf(key)
      })
    }
  }
  pass(50_000)
  pass(50_000)
  expect(encodings).toBe(50_000)
  pass(200_000)
  expect(series.heldBytes).toBeLessThanOrEqual(limitBytes)
})
