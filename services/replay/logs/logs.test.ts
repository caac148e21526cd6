import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LogEntry } from '../../../schemas/generated/telemetry-logs.ts'
import type { Row } from '../rows.ts'
import { logsSignal, type LogOptions } from './log-file.ts'
import { TIME_FORMATS } from './log-times.ts'
import { collect } from '../testing/collect.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-logs-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const WRITTEN = Date.UTC(2026, 2, 2)
const rowsOf = async (name: string, text: string, options: LogOptions = {}) => {
  const path = join(folder, name)
  writeFileSync(path, text)
  utimesSync(path, WRITTEN / 1000, WRITTEN / 1000)
  return read(path, options)
}
const read = (path: string, options: LogOptions = {}): Promise<Row<LogEntry>[]> => {
  const reader = logsSignal(options).reader({ tenant: 't', latestMs: Date.UTC(2026, 5, 1) })
  const label = basename(path)
  return collect(reader({ path, name: label.replace(/\.\w+$/, ''), label }))
}
const brief = (rows: readonly Row<LogEntry>[]) =>
  rows.map((row) =>
    row.kind === 'bad' ? [row.line, row.reason] : [row.line, row.value.level, row.value.message],
  )
const valueOf = (row: Row<LogEntry> | undefined): LogEntry => {
  if (row?.kind !== 'row') throw new Error(`no row: ${row?.reason ?? 'nothing'}`)
  return row.value
}

describe('a time', () => {
  const noon = Date.UTC(2026, 2, 1, 12)
  it.each(
    TIME_FORMATS.flatMap(({ example }) => example.split(/, (?=\d)/)).map((text) => ({ text })),
  )('is read as $text', async ({ text }) => {
    const expected = text.includes('+0100') ? noon - 3_600_000 : noon
    const rows = await rowsOf('a.log', `${text} one\nx\n${text} two\n`)
    expect(rows).toHaveLength(2)
    for (const row of rows) {
      expect(Math.floor(valueOf(row).timestamp / 1000) * 1000).toBe(expected)
    }
  })

  it('without a year is the last one before the file was written', async () => {
    const rows = await rowsOf('syslog', 'Mar  1 12:00:00 a\nDec 31 23:59:59 b\nFeb 29 00:00:00 c\n')
    expect(rows.slice(0, 2).map((row) => valueOf(row).timestamp)).toEqual([
      noon,
      Date.UTC(2025, 11, 31, 23, 59, 59),
    ])
    // No such day in either year: part of the entry before.
    expect(rows).toHaveLength(2)
  })

  it('without a year is counted on from the year that is given', async () => {
    const text = 'Nov 30 10:00:00 a\nDec 31 23:59:59 b\nJan  1 00:00:00 c\nFeb 29 00:00:00 d\n'
    const rows = await rowsOf('syslog', text, { year: 2003 })
    expect(rows.map((row) => new Date(valueOf(row).timestamp).toISOString().slice(0, 10))).toEqual([
      '2003-11-30',
      '2003-12-31',
      '2004-01-01',
      '2004-02-29',
    ])
  })

  it('that is broken begins no entry, whatever it looks like', () => {
    const digits = fc.stringMatching(/^[0-9:.,/ TZ+-]{0,40}$/)
    return fc.assert(
      fc.asyncProperty(fc.array(digits), async (lines) => {
        const text = `2026-03-01 12:00:00 first\n${lines.join('\n')}\n`
        const rows = await rowsOf('fuzz.log', text)
        expect(rows.filter(({ kind }) => kind === 'bad')).toEqual([])
        for (const row of rows) expect(valueOf(row).timestamp).toBeGreaterThanOrEqual(0)
      }),
      { numRuns: 50 },
    )
  })
})

describe('plain text', () => {
  it('has entries of several lines, levels, and the name of its file as service', async () => {
    const text = [
      'Logging started',
      '2026-03-01 12:00:00,123 ERROR [main] java.lang.IllegalStateException: no',
      '\tat a.B.c(B.java:1)',
      '  at 2026-03-01 12:00:09 d.E.f(E.java:2)',
      'Caused by: x',
      '',
      '[2026-03-01 12:00:01] level=warn slow',
      '2026-03-01 12:00:02 nothing to say about information',
      '2026-03-01 12:00:03 [info] fine',
    ].join('\r\n')
    const rows = await rowsOf('checkout.log', text)
    expect(brief(rows)).toEqual([
      [1, 'has no time, nor has a line before it'],
      [
        2,
        'error',
        'ERROR [main] java.lang.IllegalStateException: no\n\tat a.B.c(B.java:1)\n  at 2026-03-01 12:00:09 d.E.f(E.java:2)\nCaused by: x',
      ],
      [7, 'warn', 'level=warn slow'],
      [8, 'unspecified', 'nothing to say about information'],
      [9, 'info', '[info] fine'],
    ])
    expect(valueOf(rows[1])).toMatchObject({ service: 'checkout', tenant: 't', labels: {} })
  })

  it('keeps a line whole whose time stands inside it', async () => {
    const rows = await rowsOf(
      'a.log',
      '10.0.0.1 - - [01/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1" 200\n',
    )
    expect(brief(rows)).toEqual([
      [1, 'unspecified', '10.0.0.1 - - [01/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1" 200'],
    ])
  })

  it('has entries of bounded size', async () => {
    const text = `2026-03-01 12:00:00 begin\n${`${'x'.repeat(999)}\n`.repeat(1_000)}2026-03-01 12:00:01 end`
    const [first, second] = await rowsOf('a.log', text)
    expect(valueOf(first).message.length).toBe(131_072)
    expect(valueOf(first).labels).toEqual({ 'log.cut_characters': String(1_000_005 - 131_072) })
    expect(valueOf(second).message).toBe('end')
  })

  it('without any time is told of once; an empty file has no rows', async () => {
    expect(brief(await rowsOf('a.txt', 'hello\nworld\n'))).toEqual([
      [1, 'holds no time that is known here'],
    ])
    expect(await rowsOf('a.txt', '')).toEqual([])
  })

  it('of the future, or of bytes that are no text, is told of', async () => {
    const rows = await rowsOf('a.log', '2026-03-01 12:00:00 a\n2027-03-01 12:00:00 b\n')
    expect(brief(rows)[1]).toEqual([2, expect.stringMatching(/at most 60 s ahead of now$/)])
    const path = join(folder, 'bytes.log')
    writeFileSync(path, Buffer.from([...Buffer.from('2026-03-01 12:00:00 a'), 0xff, 0x0a]))
    expect(brief(await read(path))).toEqual([[1, 'unspecified', 'a\ufffd']])
  })
})

describe('lines of JSON', () => {
  it('have the names that loggers give', async () => {
    const text = [
      '{"time":1772366400123,"level":50,"msg":"no","pid":7,"traceId":"0AF7651916CD43DD8448EB211C80319C"}',
      '{"@timestamp":"2026-03-01T12:00:00Z","message":"second has another name for time"}',
      '{"time":"2026-03-01T12:00:00Z","severity":"WARNING","body":{"a":1},"service.name":"pay","labels":{"b":2}}',
      '{"log":"wrapped\\n","stream":"stdout","time":"2026-03-01T12:00:00.5Z"}',
      '{"time":"2026-03-01T12:00:00Z","msg":"x","trace_id":"short"}',
      'broken',
    ].join('\n')
    const rows = await rowsOf('api.jsonl', text)
    expect(brief(rows)).toEqual([
      [1, 'error', 'no'],
      [2, 'has no time'],
      [3, 'warn', '{"a":1}'],
      [4, 'unspecified', 'wrapped'],
      [5, 'trace_id must be 32 hex digits, not all zero'],
      [6, expect.stringMatching(/^is not JSON/)],
    ])
    expect(valueOf(rows[0])).toMatchObject({
      timestamp: 1_772_366_400_123,
      service: 'api',
      labels: { pid: '7' },
      traceId: '0af7651916cd43dd8448eb211c80319c',
    })
    expect(valueOf(rows[2])).toMatchObject({ service: 'pay', labels: { b: '2' } })
  })
})

describe('tables', () => {
  it('have a time in one column or in several', async () => {
    const text =
      'LineId,Month,Date,Time,Level,Content,EventId,PID\n1,Mar,1,12:00:00,combo,hello,E1,7\n'
    const [row] = await rowsOf('Linux_2k.log_structured.csv', text)
    expect(valueOf(row)).toMatchObject({
      timestamp: Date.UTC(2026, 2, 1, 12),
      service: 'Linux_2k',
      message: 'hello',
      labels: { PID: '7', level: 'combo' },
    })
  })

  it('of pods are logs of their services', async () => {
    const text = `Timestamp,TimeUnixNano,PodName,TraceID,SpanID,Log\n2026-03-01T12:00:00.971622667Z,1772366400971622667,ts-travel-service-64469b5b48-5rjvb,2ffbc4a03bbc5600a45841d05e452454,04ba577c01a08838,"{""log"":""INFO hi\\n"",""stream"":""stdout""}"\n`
    const [row] = await rowsOf('pods.csv', text)
    expect(valueOf(row)).toMatchObject({
      timestamp: 1_772_366_400_971,
      service: 'ts-travel-service',
      message: 'INFO hi',
      traceId: '2ffbc4a03bbc5600a45841d05e452454',
      spanId: '04ba577c01a08838',
    })
  })
})

const loghub = process.env['LOGHUB_DATA'] ?? ''
describe.skipIf(!existsSync(loghub))('loghub (LOGHUB_DATA names the folder of its sets)', () => {
  const sets = existsSync(loghub) ? readdirSync(loghub) : []
  it.each(sets)('%s: every line of text and table is an entry, at the same time', async (set) => {
    const year = { year: 2005 }
    const text = await read(join(loghub, set, `${set}_2k.log`), year)
    const table = await read(join(loghub, set, `${set}_2k.log_structured.csv`), year)
    expect(text.filter(({ kind }) => kind === 'bad')).toEqual([])
    expect([text.length, table.length]).toEqual([2_000, 2_000])
    const times = (rows: readonly Row<LogEntry>[]) =>
      rows.map((row) => Math.floor(valueOf(row).timestamp / 1000))
    expect(times(text)).toEqual(times(table))
  })
})
