/** Proves that docs/errors.md and the source agree on the codes, both ways. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { collectCodes } from './collect-codes.ts'

const page = readFileSync(new URL('./errors.md', import.meta.url), 'utf8')
const section = (title: string): string => page.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? ''
const documented = (title: string): string[] =>
  [...section(title).matchAll(/^\| *`([^`]+)` *\|/gm)].map((match) => match[1] ?? '')

const inSource = collectCodes()
const SECTIONS = ['Codes', 'Reasons of dead letters', 'Problems our servers answer']
const listed = SECTIONS.flatMap(documented)
const retired = documented('Retired')

const duplicates = (values: readonly string[]): string[] =>
  values.filter((value, index) => values.indexOf(value) !== index)

describe('docs/errors.md', () => {
  it('finds the codes at all', () => {
    expect([...inSource.keys()]).toContain('CONFIG_INVALID')
    expect(listed).toContain('CONFIG_INVALID')
  })

  it('lists every code of the source', () => {
    const missing = [...inSource].filter(([code]) => !listed.includes(code))
    expect(missing.map(([code, rooms]) => `${code} (${[...rooms].join(', ')})`)).toEqual([])
  })

  it('lists no code that the source does not have', () => {
    expect(listed.filter((code) => !inSource.has(code))).toEqual([])
  })

  it('lists no code twice', () => {
    expect(duplicates(listed)).toEqual([])
  })

  it('gives no retired code a new meaning', () => {
    expect(retired.filter((code) => inSource.has(code))).toEqual([])
  })

  it('says of every code what happened and what to do', () => {
    const rows = SECTIONS.flatMap((title) => section(title).split('\n')).filter((row) =>
      row.startsWith('| `'),
    )
    const empty = rows.filter((row) =>
      row
        .split('|')
        .slice(1, 4)
        .some((cell) => cell.trim() === ''),
    )
    expect(empty).toEqual([])
  })
})

it('no two rooms share a code', () => {
  const shared = [...inSource].filter(([, rooms]) => rooms.size > 1)
  expect(shared).toEqual([])
})
