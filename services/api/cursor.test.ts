import { describe, expect, it } from 'vitest'
import { decodeCursor, encodeCursor, pageOf } from './cursor.ts'

describe('a cursor', () => {
  it('comes back as the position it was made of', () => {
    const cursor = encodeCursor('anomalies', [1769860800000, 'ab"c\u001f'])
    expect(decodeCursor('anomalies', ['number', 'string'], cursor)).toEqual([
      1769860800000,
      'ab"c\u001f',
    ])
  })

  it('may be left out', () => {
    expect(decodeCursor('anomalies', ['number'], undefined)).toBeUndefined()
  })

  it.each([
    { title: 'of another list', cursor: encodeCursor('series', [1, 'a']) },
    { title: 'with too few parts', cursor: encodeCursor('anomalies', [1]) },
    { title: 'with too many parts', cursor: encodeCursor('anomalies', [1, 'a', 2]) },
    { title: 'with a part of another type', cursor: encodeCursor('anomalies', ['1', 'a']) },
    { title: 'that is no JSON', cursor: 'hello' },
    { title: 'that is no list', cursor: Buffer.from('{"a":1}').toString('base64url') },
    { title: 'that is empty', cursor: '' },
  ])('$title is refused', ({ cursor }) => {
    expect(() => decodeCursor('anomalies', ['number', 'string'], cursor)).toThrow(
      expect.objectContaining({ code: 'invalid-cursor', status: 400 }),
    )
  })
})

describe('a page', () => {
  const page = (rows: number[]) =>
    pageOf({ rows, limit: 2, toItem: (row) => row * 10, cursorOf: (row) => `after ${row}` })

  it.each([
    { title: 'nothing', rows: [], items: [], next: null },
    { title: 'less than the limit', rows: [1], items: [10], next: null },
    { title: 'exactly the limit', rows: [1, 2], items: [10, 20], next: null },
    { title: 'one more than the limit', rows: [1, 2, 3], items: [10, 20], next: 'after 2' },
  ])('of $title', ({ rows, items, next }) => {
    expect(page(rows)).toEqual({ items, next })
  })
})
