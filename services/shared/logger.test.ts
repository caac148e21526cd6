import { expect, it } from 'vitest'
import { createLogger } from './logger.ts'
import { Secret } from './secret.ts'

const capture = (level = 'info') => {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  return { lines, logger: createLogger({ service: 'probe', level, destination }) }
}

it('writes one JSON object per line with service, level name and time', () => {
  const { lines, logger } = capture()
  logger.info({ partition: 3 }, 'assigned')
  expect(lines).toHaveLength(1)
  const line = JSON.parse(lines[0] ?? '') as Record<string, unknown>
  expect(line).toMatchObject({ service: 'probe', level: 'info', msg: 'assigned', partition: 3 })
  expect(line['time']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
})

it.each([
  { title: 'at the top', fields: { password: 'hunter2' } },
  { title: 'one object deep', fields: { login: { password: 'hunter2' } } },
  { title: 'two objects deep', fields: { kafka: { login: { token: 'hunter2' } } } },
  { title: 'in request headers', fields: { headers: { authorization: 'Bearer hunter2' } } },
  { title: 'wrapped as a Secret, anywhere', fields: { a: { b: { c: new Secret('hunter2') } } } },
])('hides a secret $title', ({ fields }) => {
  const { lines, logger } = capture()
  logger.info(fields, 'connecting')
  expect(lines.join('')).toContain('[secret]')
  expect(lines.join('')).not.toContain('hunter2')
})

it('keeps the stack and the cause of an error', () => {
  const { lines, logger } = capture()
  logger.error(new Error('outer', { cause: new Error('inner') }), 'failed')
  expect(lines.join('')).toContain('inner')
  expect(lines.join('')).toContain('logger.test.ts')
})

it('says nothing below its level', () => {
  const { lines, logger } = capture('warn')
  logger.info('quiet')
  expect(lines).toEqual([])
})
