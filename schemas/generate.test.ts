import { describe, expect, it } from 'vitest'
import { moduleOf } from './codegen.ts'
import { SchemaError } from './errors.ts'
import { driftOf, generateAll } from './generate.ts'

const record = (fields: readonly unknown[]) => ({ type: 'record', name: 'Thing', fields })

describe('the generated files', () => {
  it('are what the schemas and the catalogue give', async () => {
    expect(driftOf(await generateAll())).toEqual([])
  })

  it('differ as soon as a schema does', async () => {
    const [first, ...others] = await generateAll()
    if (first === undefined) throw new Error('nothing was generated')
    const changed = { path: first.path, text: `${first.text}\n` }
    expect(driftOf([changed, ...others])).toEqual([first.path])
    expect(driftOf(others)).toEqual([first.path])
  })
})

describe('moduleOf', () => {
  it.each([
    { title: 'a nullable time', type: ['null', millis()], text: 'readonly x: EpochMs | null' },
    { title: 'bytes', type: 'bytes', text: 'readonly x: Buffer' },
    {
      title: 'an array of nullables',
      type: { type: 'array', items: ['null', 'string'] },
      text: 'readonly x: readonly (string | null)[]',
    },
    {
      title: 'a map',
      type: { type: 'map', values: 'long' },
      text: 'readonly x: Readonly<Record<string, number>>',
    },
    {
      title: 'an enum',
      type: { type: 'enum', name: 'Phase', symbols: ['open', 'closed'] },
      text: "export type Phase = 'open' | 'closed'",
    },
  ])('writes $title', ({ type, text }) => {
    expect(moduleOf('thing.avsc', record([{ name: 'x', doc: 'x', type }]))).toContain(text)
  })

  it.each([
    { title: 'a field without doc', schema: record([{ name: 'x', type: 'int' }]) },
    { title: 'a type it does not know', schema: record([{ name: 'x', doc: 'x', type: 'fixed' }]) },
    {
      title: 'a logical type it does not know',
      schema: record([{ name: 'x', doc: 'x', type: { type: 'long', logicalType: 'time-micros' } }]),
    },
    { title: 'anything but a record', schema: { type: 'enum', name: 'E', symbols: ['a'] } },
  ])('refuses $title', ({ schema }) => {
    expect(() => moduleOf('thing.avsc', schema)).toThrow(SchemaError)
  })
})

function millis() {
  return { type: 'long', logicalType: 'timestamp-millis' }
}
