import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { MAX_LINE_BYTES, textLines } from './lines.ts'
import { collect } from './testing/collect.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-lines-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const linesOf = async (name: string, content: string | Buffer) => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return (await collect(textLines(path))).flat()
}

it('are those of the text, wherever its pieces are cut, packed or not', () => {
  const line = fc.stringMatching(/^[a-zäöü\t "]{0,200}$/)
  return fc.assert(
    fc.asyncProperty(fc.array(line), fc.constantFrom('\n', '\r\n'), async (lines, end) => {
      const text = lines.join(end).repeat(300)
      const wanted = text === '' ? [] : text.split(/\r?\n/)
      if (wanted.at(-1) === '') wanted.pop()
      const plain = await linesOf('a.txt', text)
      expect(plain.map((each) => each.text)).toEqual(wanted)
      expect(plain.map((each) => each.line)).toEqual(wanted.map((_, index) => index + 1))
      expect(await linesOf('a.txt.gz', gzipSync(text))).toEqual(plain)
    }),
    { numRuns: 30 },
  )
})

it('leave out a byte order mark, and pass over a line that is too long', async () => {
  const long = 'x'.repeat(MAX_LINE_BYTES + 1)
  const lines = await linesOf('long.txt', `\ufefffirst\n${long}\nlast`)
  expect(lines).toEqual([
    { line: 1, text: 'first', bytes: 8 },
    { line: 2, text: undefined, bytes: 0 },
    { line: 3, text: 'last', bytes: 4 },
  ])
})

it.each([
  { title: 'cut short', spoil: (packed: Buffer) => packed.subarray(0, -20) },
  { title: 'no gzip', spoil: () => Buffer.from('plain') },
  {
    title: 'changed inside',
    spoil: (packed: Buffer) => packed.fill(0x55, packed.length >> 1, (packed.length >> 1) + 8),
  },
])('of a packed file that is $title are an error that names it', async ({ spoil }) => {
  const text = Array.from({ length: 5_000 }, (_, index) => `line ${String(index * 7919)}`).join(
    '\n',
  )
  await expect(linesOf('bad.gz', spoil(gzipSync(text)))).rejects.toMatchObject({
    code: 'REPLAY_FILE_UNREADABLE',
    message: expect.stringContaining('bad.gz') as unknown,
  })
})
