import { expect, it } from 'vitest'
import { encodeLogs } from './otlp-logs.ts'

const service = { attributes: { 'service.name': 'shop', 'host.name': 'h' } }
const encoded = (line: string) =>
  (JSON.parse(encodeLogs([{ line, atMs: 5 }], service)) as { resourceLogs: unknown[] }).resourceLogs
const record = (line: string): unknown => {
  const [{ scopeLogs }] = encoded(line) as [{ scopeLogs: [{ logRecords: [unknown] }] }]
  return scopeLogs[0].logRecords[0]
}
const value = (stringValue: string) => ({ stringValue })

it.each([
  {
    title: 'a line of pino',
    line: '{"level":30,"time":1700000000123,"pid":1,"hostname":"h","traceId":"ab","spanId":"cd","sku":"mug","n":2,"msg":"sold"}\n',
    is: {
      timeUnixNano: '1700000000123000000',
      severityNumber: 9,
      severityText: 'info',
      body: value('sold'),
      attributes: [
        { key: 'sku', value: value('mug') },
        { key: 'n', value: value('2') },
      ],
      traceId: 'ab',
      spanId: 'cd',
    },
  },
  {
    title: 'levels as labels, time as text',
    line: '{"level":"warn","time":"1970-01-01T00:00:01.000Z","msg":"m"}',
    is: {
      timeUnixNano: '1000000000',
      severityNumber: 13,
      severityText: 'warn',
      body: value('m'),
      attributes: [],
    },
  },
  {
    title: 'an error',
    line: '{"level":50,"time":1,"err":{"type":"TypeError","message":"no","stack":"at x"},"msg":"failed"}',
    is: {
      timeUnixNano: '1000000',
      severityNumber: 17,
      severityText: 'error',
      body: value('failed'),
      attributes: [
        { key: 'exception.type', value: value('TypeError') },
        { key: 'exception.message', value: value('no') },
        { key: 'exception.stacktrace', value: value('at x') },
      ],
    },
  },
  {
    title: 'what is no JSON',
    line: 'Listening on 8090\n',
    is: { timeUnixNano: '5000000', body: value('Listening on 8090'), attributes: [] },
  },
  {
    title: 'JSON that is no object',
    line: '7',
    is: { timeUnixNano: '5000000', body: value('7'), attributes: [] },
  },
  {
    title: 'a line that is too long, cut',
    line: `{"msg":"${'x'.repeat(40_000)}"}`,
    is: { timeUnixNano: '5000000', body: value(`{"msg":"${'x'.repeat(32_760)}`), attributes: [] },
  },
])('$title', ({ line, is }) => {
  expect(record(line)).toEqual(is)
})

it('a line says whose it is', () => {
  expect(encoded('{"service":"payment","msg":"m"}')).toMatchObject([
    {
      resource: {
        attributes: [{ value: value('payment') }, { key: 'host.name', value: value('h') }],
      },
    },
  ])
})
