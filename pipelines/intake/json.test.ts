import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJson, type JsonLimits } from './json.ts'

const small: JsonLimits = { depth: 4, values: 5 }
const read = (text: string | Buffer, limits?: JsonLimits) => parseJson(Buffer.from(text), limits)

describe('numbers', () => {
  it.each([
    { title: 'the largest that is exact', text: '9007199254740991', value: 9007199254740991 },
    { title: 'one beyond', text: '9007199254740993', value: 9007199254740993n },
    { title: 'below the least', text: '-9007199254740993', value: -9007199254740993n },
    { title: 'nanoseconds', text: '[1795289284000000001]', value: [1795289284000000001n] },
    { title: 'a long fraction', text: '0.12345678901234567890', value: 0.12345678901234568 },
    { title: 'digits in a text', text: '"12345678901234567890"', value: '12345678901234567890' },
    { title: 'beyond all doubles', text: '1e999', value: Infinity },
  ])('$title', ({ text, value }) => {
    expect(read(text)).toEqual(value)
  })
})

describe('keys', () => {
  it('keeps the last of those that repeat', () => {
    expect(read('{"a":1,"a":2}')).toEqual({ a: 2 })
  })

  it('has __proto__ as a key like any other, and changes no prototype', () => {
    const value = read('{"__proto__":{"admin":true},"constructor":{"prototype":1}}') as object
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor'])
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect('admin' in {}).toBe(false)
  })
})

describe('what is refused', () => {
  it.each([
    { title: 'bytes that are no UTF-8', text: Buffer.from([0x22, 0xff, 0x22]), limit: /UTF-8/ },
    {
      title: 'half a surrogate',
      text: Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]),
      limit: /UTF-8/,
    },
    { title: 'nothing', text: '', limit: /^JSON \(/ },
    { title: 'NaN', text: '{"value":NaN}', limit: /^JSON \(/ },
    { title: 'a second document', text: '{}{}', limit: /^JSON \(/ },
    { title: 'a cut one', text: '{"a":[1,2', limit: /^JSON \(/ },
    { title: 'a text without end', text: '"abc\\"', limit: /^JSON \(/ },
    { title: 'a level too many', text: '[[[[[]]]]]', limit: /at most 4 levels/ },
    { title: 'a value too many', text: '[1,2,3,4,5]', limit: /at most 5 values/ },
    {
      title: 'an entry too many',
      text: '{"a":1,"b":2,"c":3,"d":4,"e":5}',
      limit: /at most 5 values/,
    },
  ])('$title', ({ text, limit }) => {
    expect(() => read(text, small)).toThrow(
      expect.objectContaining({ field: 'body', limit: expect.stringMatching(limit) as unknown }),
    )
  })

  it.each([
    { title: 'as deep as may be', text: '[[[[]]]]' },
    { title: 'as many as may be', text: '[1,2,3,4]' },
    { title: 'brackets and commas in texts', text: '["[[[[[[,,,,,,","\\"[[[[[,,,,\\\\"]' },
  ])('but not $title', ({ text }) => {
    expect(read(text, small)).toEqual(JSON.parse(text))
  })

  it('a million brackets, before they become objects', () => {
    expect(() => read('['.repeat(1_000_000))).toThrow('levels')
    expect(() => read(`[${'{},'.repeat(1_000_000)}{}]`)).toThrow('values')
  })
})

it('reads whatever JSON.stringify writes', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
      const text = JSON.stringify(value)
      const asNumber = (_key: string, each: unknown) =>
        typeof each === 'bigint' ? Number(each) : each
      expect(JSON.stringify(read(text), asNumber)).toBe(text)
    }),
  )
})
