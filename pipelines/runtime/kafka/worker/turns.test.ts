import { expect, it } from 'vitest'
import { Turns } from './turns.ts'

const never = new AbortController().signal
/** Lets everything that can go on do so. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

it('gives so many turns at a time, in order', async () => {
  const turns = new Turns(2)
  const log: number[] = []
  const take = async (who: number) => {
    const done = await turns.take(never)
    log.push(who)
    return done
  }
  const [first, second, third, fourth] = [take(1), take(2), take(3), take(4)]
  await settle()
  expect(log).toEqual([1, 2])
  const endSecond = await second
  endSecond()
  await settle()
  expect(log).toEqual([1, 2, 3])
  for (const done of await Promise.all([first, third])) done()
  const endFourth = await fourth
  endFourth()
  expect(log).toEqual([1, 2, 3, 4])
})

it('passes over whoever does not want its turn any more', async () => {
  const turns = new Turns(1)
  const done = await turns.take(never)
  const leaving = new AbortController()
  const left = turns.take(leaving.signal).catch((error: unknown) => error)
  const next = turns.take(never)
  leaving.abort(new Error('gone'))
  expect(await left).toEqual(new Error('gone'))
  done()
  const endNext = await next
  endNext()
  await expect(turns.take(leaving.signal)).rejects.toThrow('gone')
  const endLast = await turns.take(never)
  endLast()
})
