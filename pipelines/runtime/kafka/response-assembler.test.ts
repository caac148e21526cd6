import fc from 'fast-check'
import { expect, it } from 'vitest'
import { AnswerMemory } from './answer-memory.ts'
import { MAX_ANSWER_BYTES, ResponseAssembler, type Answer } from './response-assembler.ts'

const framed = (correlationId: number, payload: Uint8Array): Buffer => {
  const frame = Buffer.alloc(8 + payload.length)
  frame.writeInt32BE(4 + payload.length, 0)
  frame.writeInt32BE(correlationId, 4)
  frame.set(payload, 8)
  return frame
}

const assemble = (chunks: readonly Uint8Array[]) => {
  const answers: Answer[] = []
  const invalidSizes: number[] = []
  const assembler = new ResponseAssembler({
    memory: new AnswerMemory(),
    onAnswer: (answer) => answers.push(answer),
    onInvalidSize: (sizeBytes) => invalidSizes.push(sizeBytes),
  })
  for (const chunk of chunks) {
    // As the socket does it: the same memory again and again.
    const reused = Buffer.from(chunk)
    assembler.take(reused)
    reused.fill(0xee)
  }
  return { answers, invalidSizes }
}

it('gives the same answers however the stream is cut', () => {
  const payloads = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 8 })
  fc.assert(
    fc.property(payloads, fc.array(fc.integer({ min: 1, max: 20 })), (wanted, sizes) => {
      const stream = Buffer.concat(wanted.map((payload, index) => framed(index, payload)))
      const chunks: Buffer[] = []
      let at = 0
      for (const size of [...sizes, stream.length]) {
        chunks.push(stream.subarray(at, at + size))
        at += size
      }
      const { answers } = assemble(chunks)
      expect(answers.map(({ correlationId }) => correlationId)).toEqual(wanted.map((_, i) => i))
      expect(answers.map(({ payload }) => [...payload])).toEqual(wanted.map((bytes) => [...bytes]))
    }),
  )
})

it.each([
  { title: 'a web server', bytes: Buffer.from('HTTP/1.1 400 Bad Request\r\n') },
  { title: 'a size without room for a correlation id', bytes: Buffer.from([0, 0, 0, 3, 1, 2, 3]) },
  { title: 'a negative size', bytes: Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1]) },
])('says of $title that it is no broker, once, and delivers nothing more', ({ bytes }) => {
  const { answers, invalidSizes } = assemble([bytes, framed(1, Buffer.from('late'))])
  expect(answers).toEqual([])
  expect(invalidSizes).toEqual([bytes.readInt32BE(0)])
})

it('takes the largest answer that can be asked for', () => {
  expect(MAX_ANSWER_BYTES).toBeGreaterThan(256 * 1024 * 1024)
})
