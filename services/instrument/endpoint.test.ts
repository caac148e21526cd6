import { expect, it } from 'vitest'
import { Endpoints, pathOf, shapeOf } from './endpoint.ts'

it.each([
  { path: '/', shape: '/' },
  { path: '/orders', shape: '/orders' },
  { path: '/orders/4711', shape: '/orders/{id}' },
  { path: '/orders/4711/lines/2', shape: '/orders/{id}/lines/{id}' },
  { path: '/v2/orders', shape: '/v2/orders' },
  { path: '/users/0b8f3c1e-3a57-4a4e-9b0a-2f1f5b7a9c11', shape: '/users/{id}' },
  { path: '/blobs/da39a3ee5e6b4b0d', shape: '/blobs/{id}' },
  { path: '/t/eyJhbGciOiJIUzI1NiJ9', shape: '/t/{id}' },
  { path: '/mail/a@b.example', shape: '/mail/{id}' },
  { path: '/a%20b', shape: '/{id}' },
  { path: '/deadbeef', shape: '/deadbeef' },
  { path: '/2026-11-21', shape: '/{id}' },
  { path: `/${'long'.repeat(20)}`, shape: '/{id}' },
  { path: '/a/b/c/d/e/f/g/h/i/j/k/l/m', shape: '/a/b/c/d/e/f/g/h/i/j/k/...' },
])('$path is $shape', ({ path, shape }) => {
  expect(shapeOf(path)).toBe(shape)
})

it('a process has at most 200 endpoints of this kind', () => {
  const endpoints = new Endpoints()
  const word = (n: number) =>
    `/${String(n).replace(/\d/g, (digit) => 'abcdefghij'.charAt(Number(digit)))}`
  const seen = new Set(Array.from({ length: 1_000 }, (_, n) => endpoints.of(word(n))))
  expect(seen.size).toBe(201)
  expect(endpoints.of(word(999))).toBe('/{other}')
  expect(endpoints.of(word(7))).toBe(word(7))
})

it.each([
  { url: '/a?token=secret', path: '/a' },
  { url: '/a#b', path: '/a' },
  { url: '/a', path: '/a' },
  { url: `/${'x'.repeat(5_000)}`, path: `/${'x'.repeat(1_023)}` },
])('no query of $url is kept', ({ url, path }) => {
  expect(pathOf(url)).toBe(path)
})
