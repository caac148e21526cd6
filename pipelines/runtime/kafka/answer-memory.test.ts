import { expect, it } from 'vitest'
import { AnswerMemory } from './answer-memory.ts'

const MIB = 1024 * 1024

it('lends what came back again, for an answer of about the same size', () => {
  const memory = new AnswerMemory()
  const first = memory.take(MIB + 300)
  memory.giveBack(first.buffer)
  const second = memory.take(MIB + 700)
  expect(second.buffer).toBe(first.buffer)
  expect(second).toHaveLength(MIB + 700)
})

it('never lends the same memory to two', () => {
  const memory = new AnswerMemory()
  const buffers = [memory.take(MIB).buffer, memory.take(MIB).buffer, memory.take(MIB).buffer]
  expect(new Set(buffers).size).toBe(3)
})

it('lends what was given back twice only once (A1)', () => {
  const memory = new AnswerMemory()
  const { buffer } = memory.take(MIB)
  memory.giveBack(buffer)
  memory.giveBack(buffer)
  const again = [memory.take(MIB).buffer, memory.take(MIB).buffer]
  expect(again[0]).toBe(buffer)
  expect(again[1]).not.toBe(buffer)
})

it('takes no memory that it did not lend', () => {
  const memory = new AnswerMemory()
  const foreign = Buffer.allocUnsafeSlow(MIB)
  memory.giveBack(foreign.buffer)
  expect(memory.take(MIB).buffer).not.toBe(foreign.buffer)
})

it('does not hold much more than an answer needs', () => {
  const memory = new AnswerMemory()
  const large = memory.take(8 * MIB)
  memory.giveBack(large.buffer)
  expect(memory.take(100_000).buffer).not.toBe(large.buffer)
})

it('keeps a bounded amount for later', () => {
  const memory = new AnswerMemory()
  const lent = Array.from({ length: 100 }, () => memory.take(MIB))
  const before = new Set(lent.map(({ buffer }) => buffer))
  for (const { buffer } of lent) memory.giveBack(buffer)
  const again = Array.from({ length: 100 }, () => memory.take(MIB))
  expect(again.filter(({ buffer }) => before.has(buffer))).toHaveLength(32)
})
