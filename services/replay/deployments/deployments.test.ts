import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { deploymentsSignal } from './deployment-file.ts'
import { collect } from '../testing/collect.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-deployments-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const read = deploymentsSignal.reader({ tenant: 't', latestMs: Date.UTC(2026, 5, 1) })
const rowsOf = (name: string, text: string) => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return collect(read({ path, name: 'd', label: name }))
}

const AT_MS = Date.UTC(2026, 0, 5, 22)
const expected = {
  timestamp: AT_MS,
  tenant: 't',
  service: 'checkout',
  environment: 'production',
  version: 'v2',
  status: 'succeeded',
  kind: 'deployment',
  commit: 'c0ffee',
  deployedBy: 'ana',
  metadata: { status: 'success', ticket: '17' },
}

it.each([
  {
    title: 'CSV',
    name: 'd.csv',
    text: `Time,Service,env,Version,Status,Commit,deployed_by,ticket\n2026-01-05 22:00:00,checkout,production,v2,success,c0ffee,ana,17\n`,
  },
  {
    title: 'lines of JSON',
    name: 'd.jsonl',
    text: `{"time":"2026-01-05T22:00:00Z","service_name":"checkout","environment":"production","tag":"v2","state":"success","sha":"c0ffee","author":"ana","ticket":17}\n`,
  },
  {
    title: 'lines of JSON as /ingest/deployment takes them',
    name: 'e.jsonl',
    text: `{"timestamp":${String(AT_MS / 1000)},"service":"checkout","version":"v2","status":"success","environment":"production","metadata":{"commit":"c0ffee","deployed_by":"ana","ticket":"17"}}\n`,
  },
])('$title', async ({ name, text }) => {
  expect(await rowsOf(name, text)).toMatchObject([{ timestampMs: AT_MS, value: expected }])
})

it('the same line is the same event, wherever it is read again', async () => {
  const text =
    'time,service,version,status\n2026-01-05,a,1,ok\n2026-01-05,a,1,ok\n2026-01-06,a,1,ok\n'
  const rows = await rowsOf('again.csv', text)
  const [one, again, other] = rows.map((row) => (row.kind === 'row' ? row.value.id : row.reason))
  expect(one).toBe(again)
  expect(one).not.toBe(other)
})

it('has the reasons of bad rows', async () => {
  const text = [
    '{"time":"2026-01-05","service":"a","version":"1"}',
    '{"time":"yesterday","service":"a","version":"1"}',
    '{"time":"2027-01-05","service":"a","version":"1"}',
    '{"time":"1969-01-05","service":"a","version":"1"}',
    '{"time":"2026-01-05","version":"1"}',
    '{"time":"2026-01-05","service":"a"}',
    '{broken',
    '[1]',
    '',
    '{"time":"2026-01-06","service":"a","version":"1"}',
  ].join('\n')
  const rows = await rowsOf('bad.jsonl', text)
  expect(rows.map((row) => [row.line, row.kind === 'bad' ? row.reason : row.value.status])).toEqual(
    [
      [1, 'unknown'],
      [2, expect.stringMatching(/^timestamp must be a time like/)],
      [3, 'timestamp must be a time since 1970, and at most 60 s ahead of now'],
      [4, expect.stringMatching(/^timestamp must be a time like/)],
      [5, expect.stringMatching(/^service must be given/)],
      [6, 'version must be text, and not empty'],
      [7, expect.stringMatching(/^is not JSON/)],
      [8, 'is no JSON object'],
      [10, 'unknown'],
    ],
  )
})

it.each([
  { title: 'an array', name: 'x.json', text: '[{"a":1}]', reason: /^is an array/ },
  { title: 'text', name: 'x.txt', text: 'hello', reason: /^is neither CSV/ },
])('$title is told of once', async ({ name, text, reason }) => {
  expect(await rowsOf(name, text)).toEqual([
    { kind: 'bad', line: 1, reason: expect.stringMatching(reason) as unknown },
  ])
})
