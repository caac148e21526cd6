import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { layoutOf, sniffDelimiter } from './csv-layout.ts'
import { csvPoints } from './csv-points.ts'
import type { InputFile } from './input-files.ts'
import { mergeByTime } from './merge.ts'
import { collect } from './testing/collect.ts'
import { sourceOf, surveyFile } from './source-file.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-csv-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const read = csvPoints({ tenant: 't', latestMs: Date.UTC(2030, 0, 1) })
let files = 0
const fileOf = (text: string): InputFile => {
  const label = `${String(files++)}.csv`
  const path = join(folder, label)
  writeFileSync(path, text)
  return { path, name: 'cpu', label }
}
const readText = (text: string) => collect(read(fileOf(text)))
const brief = async (text: string) =>
  (await readText(text)).map((row) =>
    row.kind === 'row' ? [row.line, row.timestampMs, row.value.value] : [row.line, row.reason],
  )

describe('a CSV file', () => {
  it.each([
    { title: 'commas and a header', text: 'timestamp,value\n1000000000,1\n1000000005,2\n' },
    { title: 'semicolons', text: 'timestamp;value\n1000000000;1\n1000000005;2\n' },
    { title: 'tabs', text: 'time\tvalue\n1000000000\t1\n1000000005\t2\n' },
    { title: 'another name for the value', text: 'ts,load\n1000000000,1\n1000000005,2\n' },
    { title: 'the value first', text: 'Value,Timestamp\n1,1000000000\n2,1000000005\n' },
    {
      title: 'Windows lines and a byte order mark',
      text: '\ufeffts,v\r\n1000000000,1\r\n1000000005,2',
    },
  ])('with $title', async ({ text }) => {
    expect(await brief(text)).toEqual([
      [2, 1e12, 1],
      [3, 1e12 + 5000, 2],
    ])
  })

  it.each([
    { title: 'without a header', text: '1,2\n' },
    { title: 'with a header that names no time', text: 'a,b\n1,2\n' },
  ])('$title does not take small numbers for times of 1970', async ({ text }) => {
    const [[, reason] = []] = await brief(text)
    expect(reason).toMatch(/^'1' would be a time of 1970; .* header with timestamp$/)
  })

  it('may have times of 1970 where its header says that they are times', async () => {
    expect(await brief('time,value\n1,2\n')).toEqual([[2, 1_000, 2]])
  })

  it('without a header', async () => {
    expect(await brief('1000000000,1\n')).toEqual([[1, 1e12, 1]])
  })

  it('takes further columns as labels, and an empty cell as no label', async () => {
    const rows = await readText('timestamp,host,value,zone\n1000000000,a,1,x\n1000000000,b,2,\n')
    expect(rows).toMatchObject([
      { value: { value: 1, labels: { host: 'a', zone: 'x' } } },
      { value: { value: 2, labels: { host: 'b' } } },
    ])
    expect(rows[1]).not.toHaveProperty('value.labels.zone')
  })

  it('has its bad rows told by line and reason, and goes on behind them', async () => {
    const text = [
      'timestamp,value',
      '1000000000,1',
      'yesterday,2',
      '1000000005,',
      '1000000010,NaN',
      '1000000015,inf',
      '1000000020',
      '1000000025,1,2',
      '',
      '99999999999,1',
      '1000000030,3',
    ].join('\n')
    expect(await brief(text)).toEqual([
      [2, 1e12, 1],
      [3, "'yesterday' is not a time since 1970"],
      [4, "'' is not a finite number"],
      [5, "'NaN' is not a finite number"],
      [6, "'inf' is not a finite number"],
      [7, 'has 1 columns instead of 2'],
      [8, 'has 3 columns instead of 2'],
      [10, "'99999999999' lies in the future"],
      [11, 1e12 + 30_000, 3],
    ])
  })

  it('reads on behind a row of megabytes', async () => {
    const rows = await brief(
      `timestamp,value,dump\n1000000000,1,a\n1000000005,2,${'x'.repeat(5_000_000)}\n1000000010,3,a`,
    )
    expect(rows).toEqual([
      [2, 1e12, 1],
      [3, 1e12 + 5_000, 2],
      [4, 1e12 + 10_000, 3],
    ])
  })

  it('that is empty has no rows', async () => {
    expect(await readText('')).toEqual([])
  })

  it('that is something else is refused at its first line', async () => {
    expect(await brief('hello\nworld\n')).toEqual([
      [1, 'needs a timestamp and a value column, has 1 column'],
    ])
  })

  it('with a quote that never closes costs bounded memory and says so', async () => {
    const rows = await brief(
      `timestamp,value\n1000000000,1\n1000000005,"2\n${'3,4\n'.repeat(5_000_000)}`,
    )
    expect(rows).toMatchObject([
      [2, 1e12, 1],
      [expect.any(Number), expect.stringMatching(/rest not read$/)],
    ])
  })

  it('that is not there is named', async () => {
    const none = { path: join(folder, 'none.csv'), name: 'none', label: 'none.csv' }
    await expect(collect(read(none))).rejects.toMatchObject({
      code: 'REPLAY_FILE_UNREADABLE',
      message: expect.stringContaining('none.csv') as unknown,
    })
  })
})

describe('the layout', () => {
  it('ignores delimiters inside quotes', () => {
    expect(sniffDelimiter('"a,b,c";d;e\n')).toBe(';')
  })

  it('refuses two label columns of one name', () => {
    expect(layoutOf(['timestamp', 'value', 'a', 'a'])).toContain("'a'")
  })
})

describe('a source', () => {
  it('is surveyed before it is read', async () => {
    const file = fileOf('ts,v\n1000000010,1\nbad,2\n1000000010,3\n1000000000,4\n')
    const bad: number[] = []
    const survey = await surveyFile(file, read, { onBad: ({ line }) => bad.push(line) })
    expect(survey).toEqual({
      file,
      rows: 4,
      good: 3,
      firstMs: 1e12,
      lastMs: 1e12 + 10_000,
      moments: 2,
      inOrder: false,
    })
    expect(bad).toEqual([3])
  })

  it('comes in event time whatever the order in the file', async () => {
    const times = Array.from({ length: 1000 }, (_, i) => 1_000_000_000 + ((i * 7919) % 1000))
    const file = fileOf(
      `ts,v\n${times.map((time, i) => `${String(time)},${String(i)}`).join('\n')}`,
    )
    const survey = await surveyFile(file, read, { onBad: () => undefined })
    const rows = (await collect(sourceOf(survey, read).open())).flat()
    const sorted = [...times].sort((a, b) => a - b).map((time) => time * 1000)
    expect(survey.inOrder).toBe(false)
    expect(rows.map(({ timestampMs }) => timestampMs)).toEqual(sorted)
  })
})

describe('mergeByTime', () => {
  const source = (name: string, ...batches: readonly (readonly number[])[]) => {
    const opened = { count: 0 }
    async function* open() {
      opened.count++
      await Promise.resolve()
      for (const batch of batches) yield batch.map((timestampMs) => ({ timestampMs, name }))
    }
    return { firstMs: batches[0]?.[0] ?? 0, open, opened }
  }

  it('gives one stream in event time, ties in the order of the sources', async () => {
    const sources = [source('a', [1, 4], [4, 9]), source('b', [2, 4]), source('c', [3], [10, 11])]
    const merged = (await collect(mergeByTime(sources))).flat()
    expect(merged.map(({ timestampMs, name }) => `${String(timestampMs)}${name}`)).toEqual([
      ...['1a', '2b', '3c', '4a', '4a', '4b', '9a', '10c', '11c'],
    ])
  })

  it('opens a source only when its time has come', async () => {
    const late = source('late', [5000])
    const early = source(
      'early',
      ...Array.from({ length: 3 }, (_, i) => new Array<number>(1000).fill(i)),
    )
    for await (const batch of mergeByTime([late, early])) {
      expect(batch.length).toBeGreaterThan(0)
      break
    }
    expect([early.opened.count, late.opened.count]).toEqual([1, 0])
  })
})
