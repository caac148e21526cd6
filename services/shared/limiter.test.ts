import { expect, it } from 'vitest'
import { Limiter } from './limiter.ts'

it('runs so many at a time, the others in the order in which they came', async () => {
  const limiter = new Limiter(1)
  const begun: string[] = []
  const gates = ['a', 'b', 'c'].map((name) => {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    const done = limiter.run(() => {
      begun.push(name)
      return promise
    })
    const open = () => {
      resolve(undefined)
      return done
    }
    return { open }
  })
  expect(begun).toEqual(['a'])
  for (const [index, gate] of gates.entries()) {
    expect(limiter.running).toBe(1)
    await gate.open()
    expect(begun).toEqual(['a', 'b', 'c'].slice(0, index + 2))
  }
  expect(limiter.running).toBe(0)
})

it('gives a place back when the work fails', async () => {
  const limiter = new Limiter(1)
  await expect(limiter.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(limiter.running).toBe(0)
})
