/** At the end: what the independent reader and ClickHouse have, against what the input says. */
import type { Rollup } from '../../schemas/generated/signals-rollups.ts'
import { signalsRollups, telemetryMetrics } from '../../schemas/topics.ts'
import { SINK_DEAD_LETTERS } from '../../services/topics/wanted-topic.ts'
import { compare, numbered, outOfOrder, type Differences } from './compare.ts'
import { POISON_HEADER, type Input } from './input.ts'
import { counting } from './pipeline.ts'
import { decodePoint, decodeRollup, readCommitted } from './reader.ts'
import { Tables } from './tables.ts'

export interface Verdict {
  readonly outputs: number
  readonly lost: number
  readonly duplicated: number
  /** Outputs that say something else than they must. */
  readonly wrong: number
  readonly deadLetters: number
  readonly sink: { readonly rows: number; readonly expected: number }
  /** In words, some of each kind; empty when all is as it must be. */
  readonly problems: readonly string[]
}

const VERIFY_WAIT_S = 90
const SHOWN = 5
const REASON_HEADER = 'millrace-reason'

interface Found {
  inputs: number
  readonly outputs: [string, string][]
  readonly runningCounts: [string, number][]
  readonly letters: [string, string][]
  readonly late: string[]
  readonly sinkLetters: Map<string, string>
}

const read = async (brokers: readonly string[]): Promise<Found> => {
  const found: Found = {
    inputs: 0,
    outputs: [],
    runningCounts: [],
    letters: [],
    late: [],
    sinkLetters: new Map(),
  }
  const deadLetters = `${counting.name}.dead-letter`
  const late = `${counting.name}.late`
  await readCommitted({
    brokers,
    topics: [telemetryMetrics.name, signalsRollups.name, deadLetters, late, SINK_DEAD_LETTERS],
    onRecord({ topic, value, headers }) {
      const header = (name: string): string => headers[name]?.toString() ?? ''
      if (topic === telemetryMetrics.name) found.inputs += 1
      else if (topic === deadLetters) {
        found.letters.push([header(POISON_HEADER), header(REASON_HEADER)])
      } else if (topic === SINK_DEAD_LETTERS) {
        found.sinkLetters.set(header(POISON_HEADER), header(REASON_HEADER))
      } else if (value === null) found.outputs.push(['a record without value', ''])
      else if (topic === late) found.late.push(textOfPoint(decodePoint(value)))
      else {
        const rollup = decodeRollup(value)
        found.outputs.push(asOutput(rollup))
        const { of, host = '' } = rollup.labels
        if (of === 'record') found.runningCounts.push([host, rollup.count])
      }
    },
  })
  return found
}

const textOfPoint = ({ labels, timestamp, value }: ReturnType<typeof decodePoint>): string =>
  `${labels['host']} ${timestamp} ${value}`

/** As the expectation names and words it. */
const asOutput = (
  rollup: Omit<Rollup, 'tenant' | 'series' | 'name' | 'sketch'>,
): [string, string] => {
  const { labels, windowStart, windowEnd, count, sum, min, max, mean } = rollup
  const { of = '', host = '' } = labels
  return of === 'record'
    ? [`record ${host} ${count}`, `${windowStart} ${sum} ${min} ${max} ${mean}`]
    : [`${of} ${host} ${windowStart}`, `${windowEnd} ${count} ${sum}`]
}

export const judge = async (
  input: Input,
  environment: Readonly<Record<string, string>>,
): Promise<Verdict> => {
  const tables = new Tables(environment)
  const unverified = await tables.verify(VERIFY_WAIT_S)
  const found = await read((environment['KAFKA_BROKERS'] ?? '').split(','))
  const { outputs, letters, late, points } = input.expected
  const inKafka = [
    { what: 'output', ...compare(outputs, found.outputs) },
    { what: 'dead letter', ...compare(letters, found.letters) },
    { what: 'late record', ...compare(numbered(late), [...numbered(found.late)]) },
  ]
  const rollups = (await tables.rollups()).map(fromRow)
  const inTables = [
    { what: 'roll-up in ClickHouse', ...compare(outputs, rollups) },
    { what: 'series in ClickHouse', ...compare(textsOf(points), await tables.points()) },
    {
      what: 'dead letter of the sink',
      ...compare(input.sinkLetters, [...found.sinkLetters]),
    },
  ]
  const stored = [await tables.rowsOf('metrics'), await tables.rowsOf('rollups_1m')]
  const rows = stored.reduce((sum, each) => sum + each.rows, 0)
  const records = stored.reduce((sum, each) => sum + each.records, 0)
  const expected = found.inputs - input.sinkLetters.size + found.outputs.length
  const order = outOfOrder(found.runningCounts)
  const all = [...inKafka, ...inTables]
  return {
    outputs: found.outputs.length,
    lost: total(all, ({ lost }) => lost),
    duplicated: total(all, ({ duplicated }) => duplicated),
    wrong: total(all, ({ wrong }) => wrong),
    deadLetters: found.letters.length,
    sink: { rows, expected },
    problems: [
      ...all.flatMap(inWords),
      ...shown('running counts out of order', order),
      ...(found.inputs === input.records
        ? []
        : [`${input.records} records were acknowledged, the topic holds ${found.inputs}`]),
      ...(rows === expected ? [] : [`ClickHouse has ${rows} rows of ${expected} records`]),
      ...(rows === records ? [] : [`${rows - records} rows stand for a record that has one`]),
      ...(unverified === undefined ? [] : [`millrace sink verify: ${unverified}`]),
    ],
  }
}

const fromRow = ([of, host, start, end, count, sum, min, max, mean]: readonly (
  string | number
)[]): [string, string] =>
  asOutput({
    labels: { of: String(of), host: String(host) },
    windowStart: Number(start),
    windowEnd: Number(end),
    count: Number(count),
    sum: Number(sum),
    min: Number(min),
    max: Number(max),
    mean: Number(mean),
  })

const textsOf = (points: Input['expected']['points']): Map<string, string> =>
  new Map([...points].map(([host, { count, sum }]) => [host, `${count} ${sum}`]))

const total = (
  all: readonly Differences[],
  of: (differences: Differences) => readonly string[],
): number => all.reduce((sum, each) => sum + of(each).length, 0)

const inWords = ({ what, lost, duplicated, wrong }: Differences & { readonly what: string }) => [
  ...shown(`${what} lost`, lost),
  ...shown(`${what} twice or never due`, duplicated),
  ...shown(`${what} wrong`, wrong),
]

const shown = (what: string, ids: readonly string[]): string[] => {
  if (ids.length === 0) return []
  const more = ids.length > SHOWN ? `, and ${ids.length - SHOWN} more` : ''
  return [`${ids.length} x ${what}: ${ids.slice(0, SHOWN).join('; ')}${more}`]
}
