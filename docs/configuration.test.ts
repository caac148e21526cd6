/** configuration.md lists every environment variable that a process reads, with its default. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')

const source = read('../services/shared/config.ts')
const variables = [...source.matchAll(/^ {2}([A-Z][A-Z0-9_]+):/gm)].map(([, name = '']) => name)

/** Text of the row, or of the rows, by variable. */
const rows = new Map(
  read('configuration.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => {
      const names = line.split('|')[1]?.matchAll(/`([A-Z][A-Z0-9_]+)`/g) ?? []
      return [...names].map(([, name = '']): [string, string] => [name, line])
    }),
)

it('finds the variables in the source', () => {
  expect(variables).toContain('KAFKA_BROKERS')
})

it.each(variables)('%s is described', (name) => {
  expect([...rows.keys()]).toContain(name)
  const declared = new RegExp(`^ {2}${name}: \\{[^}]*default: ('[^']*'|[\\w]+)`, 'm').exec(source)
  const value = declared?.[1]?.replaceAll("'", '')
  if (value !== undefined) expect(rows.get(name)).toContain(`\`${value}\``)
})

it('describes no variable that is not there', () => {
  const ofTools = ['JAVA_HOME', 'XDG_CACHE_HOME', 'TEST_STACK']
  const known = [...variables, ...ofTools]
  expect([...rows.keys()].filter((name) => !known.includes(name))).toEqual([])
})
