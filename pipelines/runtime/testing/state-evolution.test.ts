/**
 * A new version of a pipeline over the state of an old one: what goes on, what begins anew, what is
 * refused, and the way back.
 */
import { describe, expect, it } from 'vitest'
import type { Rollup } from '../../../schemas/generated/signals-rollups.ts'
import type { MetricPoint } from '../../../schemas/generated/telemetry-metrics.ts'
import type { AvroSchema } from '../../../schemas/topic.ts'
import { controlConfig, signalsRollups, telemetryMetrics } from '../../../schemas/topics.ts'
import { RecordBatchBuilder } from '../record/index.ts'
import {
  cell,
  copartitioned,
  definePipeline,
  globalTable,
  minutes,
  repartitioned,
  ring,
  row,
  session,
  timer,
  tumbling,
} from '../index.ts'
import type { StateSpecs } from '../topology/state.ts'
import { MemoryBroker } from './memory-broker.ts'
import { createTestDriver, type TestDriver } from './test-driver.ts'

const HOUR_MS = minutes(60)

const words = (more: readonly object[] = []): AvroSchema => ({
  type: 'record',
  name: 'Words',
  fields: [{ name: 'words', type: { type: 'array', items: 'string' } }, ...more],
})

const rollup = (change: Partial<Rollup>): Rollup => ({
  ...{ windowStart: 0, windowEnd: 0, tenant: 'default', series: '', name: 'cpu', labels: {} },
  ...{ count: 0, sum: 0, min: 0, max: 0, mean: 0, sketch: Buffer.alloc(0) },
  ...change,
})

const point = (timestamp: number, value = 1): MetricPoint => ({
  ...{
    timestamp,
    value,
    tenant: 'default',
    name: 'cpu',
    labels: {},
    unit: null,
    kind: 'unspecified',
  },
})

type Views = Record<string, Record<string, number>> & {
  words?: { get: () => { words: string[] } | undefined; set: (value: unknown) => void }
  recent?: { push: (value: number) => void; length: number; at: (index: number) => number }
  due?: { set: (atMs: number) => void }
}

interface Version {
  readonly version?: number
  readonly state?: StateSpecs
  readonly window?: ReturnType<typeof tumbling> | undefined
  readonly gap?: ReturnType<typeof session> | undefined
  readonly windowRow?: Readonly<Record<string, number>>
  readonly forgets?: readonly string[]
  readonly input?: 'copartitioned' | 'repartitioned' | 'others'
}

const first: Required<Pick<Version, 'state' | 'window' | 'gap' | 'windowRow'>> = {
  state: {
    totals: row({ count: 0, sum: 0 }),
    words: cell(words()),
    recent: ring({ capacity: 70 }),
  },
  window: tumbling({ sizeMs: minutes(1), graceMs: minutes(1) }),
  gap: session({ gapMs: minutes(1), graceMs: 0 }),
  windowRow: { count: 0, sum: 0 },
}

/** Whatever is declared is used: each number goes up by one per record. */
const build = (change: Version = {}) => {
  const { version = 1, state, window, gap, windowRow, forgets = [] } = { ...first, ...change }
  const add = (_: object, { row: numbers }: { row: Record<string, number> }): void => {
    for (const name of Object.keys(windowRow)) numbers[name] = (numbers[name] ?? 0) + 1
  }
  const aggregate = { input: 'points', row: windowRow, add }
  const said = (kind: string) =>
    function close(
      { row: numbers }: { row: Record<string, number> },
      { startMs, endMs }: { startMs: number; endMs: number },
      _: object,
      context: { emit: (output: 'rollups', value: Rollup) => void },
    ): void {
      const series = Object.keys(windowRow).map((name) => `${name}=${String(numbers[name])}`)
      const bounds = { windowStart: startMs, windowEnd: endMs }
      context.emit('rollups', rollup({ ...bounds, name: kind, series: series.sort().join() }))
    }
  const by = ({ tenant, name }: MetricPoint): string => `${tenant}\u001f${name}`
  const inputs = {
    copartitioned: copartitioned(telemetryMetrics),
    repartitioned: repartitioned(telemetryMetrics, { by }),
    others: copartitioned({ ...telemetryMetrics, name: 'telemetry.others' }),
  }
  return definePipeline({
    name: 'evolving',
    version,
    inputs: { points: inputs[change.input ?? 'copartitioned'] },
    globals: { entries: globalTable(controlConfig, { empty: 0, fold: (count) => count + 1 }) },
    state,
    outputs: { rollups: signalsRollups },
    windows: {
      ...(window && { minute: { ...aggregate, window, close: said('window') } }),
      ...(gap && {
        visit: { ...aggregate, window: gap, merge: () => undefined, close: said('session') },
      }),
    },
    on: {
      points({ value }, views, context) {
        const all = views as unknown as Views
        for (const [name, spec] of Object.entries(state)) {
          const numbers = all[name]
          if (spec.kind !== 'row' || numbers === undefined) continue
          for (const field of Object.keys(spec.initial)) numbers[field] = (numbers[field] ?? 0) + 1
        }
        all.words?.set({
          ...all.words.get(),
          words: [...(all.words.get()?.words ?? []), `${value}`],
        })
        all.recent?.push(value)
        all.due?.set(context.clockMs + HOUR_MS)
        const rows = Object.entries(state).flatMap(([name, spec]) =>
          spec.kind === 'row'
            ? Object.keys(spec.initial).map((field) => `${field}=${String(all[name]?.[field])}`)
            : [],
        )
        const held =
          all.recent && Array.from({ length: all.recent.length }, (_, i) => all.recent?.at(i))
        const series = [rows.sort().join(), JSON.stringify(all.words?.get()), held?.join()].join(
          ' ',
        )
        context.emit('rollups', rollup({ name: 'state', series, count: context.globals.entries }))
      },
    },
    onTimer: Object.fromEntries(
      Object.entries(state)
        .filter(([, spec]) => spec.kind === 'timer')
        .map(([name]) => [
          name,
          (_: object, context: { emit: (output: 'rollups', value: Rollup) => void }) => {
            context.emit('rollups', rollup({ name: 'timer' }))
          },
        ]),
    ),
    forgets,
    keyIdleTtlMs: HOUR_MS * 100,
    keyLimit: { perTask: 100, perGroup: 100, groupOf: () => '' },
  })
}

const said = (driver: TestDriver, kind: string): string[] =>
  driver
    .read(signalsRollups)
    .filter(({ name }) => name === kind)
    .map(({ series }) => series)

/** Version 1 has seen three points, and a configuration. */
const started = (change: Version = {}): TestDriver => {
  const driver = createTestDriver(build(change), { partitions: 2 })
  const entry = { scope: 's', version: 1, body: '', actor: 'test', reason: null }
  driver.pipe(controlConfig, { ...entry, timestamp: 0, tenant: 'default' })
  driver.pipe(telemetryMetrics, point(1, 5), point(2, 6), point(3, 7))
  return driver
}

const { totals, words: wordsCell, recent } = first.state as Record<string, StateSpecs[string]>
const stores = (change: StateSpecs): StateSpecs => ({ ...first.state, ...change })
const without = (name: string): StateSpecs =>
  Object.fromEntries(Object.entries(first.state).filter(([each]) => each !== name))

describe('a new version goes on with what the old one knew', () => {
  const WORDS = '{"words":["5","6","7","8"]}'
  it.each([
    { title: 'unchanged', change: {}, state: `count=4,sum=4 ${WORDS} 5,6,7,8` },
    {
      title: 'a row with fields in another order',
      change: { state: stores({ totals: row({ sum: 0, count: 0 }) }) },
      state: `count=4,sum=4 ${WORDS} 5,6,7,8`,
    },
    {
      title: 'a row with one more field, which begins at its initial value',
      change: { state: stores({ totals: row({ added: 40, count: 0, sum: 0 }) }) },
      state: `added=41,count=4,sum=4 ${WORDS} 5,6,7,8`,
    },
    {
      title: 'a row without one of its fields',
      change: { state: stores({ totals: row({ sum: 0 }) }) },
      state: `sum=4 ${WORDS} 5,6,7,8`,
    },
    {
      title: 'a row with a field renamed: a new one, and the old one forgotten',
      change: { state: stores({ totals: row({ number: 0, sum: 0 }) }) },
      state: `number=1,sum=4 ${WORDS} 5,6,7,8`,
    },
    {
      title: 'a cell with one more field that has a default',
      change: {
        state: stores({ words: cell(words([{ name: 'more', type: 'int', default: 9 }])) }),
      },
      state: 'count=4,sum=4 {"words":["5","6","7","8"],"more":9} 5,6,7,8',
    },
    {
      title: 'a smaller ring',
      change: { state: stores({ recent: ring({ capacity: 2 }) }) },
      state: `count=4,sum=4 ${WORDS} 7,8`,
    },
    {
      title: 'a larger ring',
      change: { state: stores({ recent: ring({ capacity: 500 }) }) },
      state: `count=4,sum=4 ${WORDS} 5,6,7,8`,
    },
    {
      title: 'a timer more',
      change: { state: stores({ due: timer() }) },
      state: `count=4,sum=4 ${WORDS} 5,6,7,8`,
    },
    {
      title: 'a store more',
      change: { state: stores({ later: ring({ capacity: 3 }) }) },
      state: `count=4,sum=4 ${WORDS} 5,6,7,8`,
    },
    {
      title: 'a store less, said so',
      change: { state: without('words'), forgets: ['words'] },
      state: 'count=4,sum=4  5,6,7,8',
    },
    {
      title: 'without windows, said so',
      change: { window: undefined, gap: undefined, forgets: ['minute', 'visit'] },
      state: `count=4,sum=4 ${WORDS} 5,6,7,8`,
    },
  ])('$title', ({ change, state }) => {
    const driver = started()
    driver.restartAs(build({ version: 2, ...change }))
    driver.pipe(telemetryMetrics, point(4, 8))
    expect(said(driver, 'state').at(-1)).toBe(state)
    // And back again, over what the new version wrote.
    if ('forgets' in change || change.state?.['later']) return
    driver.restartAs(build())
    driver.pipe(telemetryMetrics, point(5, 9))
    expect(said(driver, 'state').at(-1)).toContain('sum=5')
    expect(driver.read(signalsRollups).at(-1)?.count).toBe(1)
  })

  it('knows in a window and a session what stands in them, fields by name', () => {
    const driver = started()
    driver.restartAs(build({ version: 2, windowRow: { added: 10, count: 0 } }))
    driver.pipe(telemetryMetrics, point(4))
    driver.tick({ tenant: 'default', atMs: HOUR_MS })
    expect(said(driver, 'window')).toEqual(['added=11,count=4'])
    expect(said(driver, 'session')).toEqual(['added=11,count=4'])
  })

  it('fires a timer that was set before, and forgets one that is no longer declared', () => {
    const withTimer = { state: stores({ due: timer() }) }
    const driver = started(withTimer)
    driver.restartAs(build({ version: 2, ...withTimer }))
    driver.tick({ tenant: 'default', atMs: HOUR_MS + 3 })
    expect(said(driver, 'timer')).toHaveLength(1)
    driver.pipe(telemetryMetrics, point(HOUR_MS + 4))
    driver.restartAs(build({ version: 3 }))
    driver.tick({ tenant: 'default', atMs: HOUR_MS * 3 })
    expect(said(driver, 'timer')).toHaveLength(1)
  })
})

describe('what comes back', () => {
  it('a field begins anew, however much of the changelog is compacted: not where it once was', () => {
    const driver = started()
    const fewer = { state: stores({ totals: row({ sum: 0 }) }), windowRow: { sum: 0 } }
    driver.restartAs(build({ version: 2, ...fewer }))
    driver.pipe(telemetryMetrics, point(4, 8))
    driver.restartAs(build({ version: 3 }))
    driver.pipe(telemetryMetrics, point(5, 9))
    expect(said(driver, 'state').at(-1)).toContain('count=1,sum=5')
    driver.tick({ tenant: 'default', atMs: HOUR_MS })
    expect(said(driver, 'window')).toEqual(['count=1,sum=5'])
    expect(said(driver, 'session')).toEqual(['count=1,sum=5'])
  })

  it('a store begins empty: what it held is older than the rest', () => {
    const driver = started()
    driver.restartAs(build({ version: 2, state: without('words'), forgets: ['words'] }))
    driver.pipe(telemetryMetrics, point(4, 8))
    driver.restartAs(build({ version: 3 }))
    driver.pipe(telemetryMetrics, point(5, 9))
    expect(said(driver, 'state').at(-1)).toBe('count=5,sum=5 {"words":["9"]} 5,6,7,8,9')
    driver.restart()
    driver.pipe(telemetryMetrics, point(6, 10))
    expect(said(driver, 'state').at(-1)).toContain('{"words":["9","10"]}')
  })

  it('a task begins even if more is to be deleted than one commit should hold', () => {
    const driver = started()
    driver.restartAs(build({ version: 2, state: without('words'), forgets: ['words'] }))
    driver.pipe(telemetryMetrics, point(4, 8))
    driver.restartAs(build({ version: 3 }))
    const task = driver.tasks.find(({ pendingBytes }) => pendingBytes > 0)
    const queue = task?.queues.find(({ input }) => input.topic === telemetryMetrics.name)
    if (task === undefined || queue === undefined) throw new Error('nothing is to be deleted')
    expect(task.takeCommit()).toBeUndefined()
    const source = new MemoryBroker()
    const builder = new RecordBatchBuilder()
    builder.appendRecord(null, driver.encode(telemetryMetrics, point(5, 9)))
    source.append(queue.input, builder, 5)
    const answer = { highWatermark: 1, requestedAtMs: Infinity, receivedAtMs: 0 }
    task.push(queue, { ...answer, records: source.fetch(queue.input.topic, task.partition, 0) })
    task.run(1, 1)
    expect(task.takeCommit()?.outputs.map(({ topic }) => topic)).toContain(
      'evolving.words.changelog',
    )
  })
})

describe('a version that does not fit the state', () => {
  const code = (attempt: () => void): string => {
    try {
      attempt()
    } catch (error) {
      return `${(error as { code?: string }).code ?? ''}: ${(error as Error).message}`
    }
    return 'no error'
  }

  it.each<{ title: string; change: Version; says: RegExp; from?: Version }>([
    {
      title: 'a store gone',
      change: { state: without('words') },
      says: /TOPOLOGY_CHANGED: .*cell 'words' is gone.*forgets: \['words'\]/,
    },
    {
      title: 'a store renamed',
      change: { state: { ...without('words'), phrases: wordsCell as StateSpecs[string] } },
      says: /cell 'words' is gone/,
    },
    {
      title: 'a store of another kind, which the registry refuses already',
      change: { state: stores({ recent: wordsCell as StateSpecs[string] }) },
      says: /no alias found for millrace.state.recent_segment/,
    },
    {
      title: 'the row renamed',
      change: { state: { ...without('totals'), sums: totals as StateSpecs[string] } },
      says: /the row 'totals', which holds its keys, is 'sums' now/,
    },
    {
      title: 'the row forgotten',
      change: { state: without('totals'), forgets: ['totals'] },
      says: /the row 'totals', which holds its keys, is 'keys' now/,
    },
    {
      title: 'a row where there was none',
      from: { state: { recent: recent as StateSpecs[string] } },
      change: {},
      says: /the row 'keys', which holds its keys, is 'totals' now/,
    },
    {
      title: 'a window of another size',
      change: { window: tumbling({ sizeMs: minutes(5), graceMs: minutes(1) }) },
      says: /'minute' had sizeMs 60000, graceMs 60000, advanceMs 60000 and has sizeMs 300000/,
    },
    {
      title: 'a window of another grace',
      change: { window: tumbling({ sizeMs: minutes(1), graceMs: minutes(2) }) },
      says: /'minute' had .*graceMs 60000.* and has .*graceMs 120000/,
    },
    {
      title: 'another gap',
      change: { gap: session({ gapMs: minutes(2), graceMs: 0 }) },
      says: /'visit' had gapMs 60000/,
    },
    {
      title: 'an input keyed in another way',
      change: { input: 'repartitioned' },
      says: /'telemetry.metrics' was copartitioned and is repartitioned now/,
    },
    {
      title: 'another topic as its input',
      change: { input: 'others' },
      says: /its input 'telemetry.metrics' is gone/,
    },
    {
      title: 'rolled back to one that lacks a store',
      from: { version: 2, state: stores({ later: ring({ capacity: 3 }) }) },
      change: { version: 1 },
      says: /version 1 cannot go on with the state of version 2: ring 'later' is gone.*run version 2/,
    },
    {
      title: 'a cell whose type cannot be read',
      change: { state: stores({ words: cell(words([{ name: 'more', type: 'int' }])) }) },
      says: /no matching field for default-less/,
    },
  ])('$title: is refused, and nothing has happened', ({ from = {}, change, says }) => {
    const driver = started(from)
    const before = driver.readBytes('evolving.task.changelog')
    expect(code(() => driver.restartAs(build({ version: 2, ...change })))).toMatch(says)
    expect(driver.readBytes('evolving.task.changelog')).toEqual(before)
    driver.restart()
    driver.pipe(telemetryMetrics, point(4, 8))
    expect(said(driver, 'state')).toHaveLength(4)
  })

  it('goes on with another input when the old one is given up', () => {
    const driver = started()
    driver.restartAs(build({ version: 2, input: 'others', forgets: ['telemetry.metrics'] }))
    driver.pipe({ ...telemetryMetrics, name: 'telemetry.others' }, point(4, 8))
    expect(said(driver, 'state').at(-1)).toContain('sum=4')
  })

  it('reads nothing twice when committed offsets are gone', () => {
    const driver = started()
    driver.forgetOffsets()
    driver.restart()
    driver.pipe(telemetryMetrics, point(4, 8))
    expect(said(driver, 'state').at(-1)).toContain('count=4,sum=4')
    expect(said(driver, 'state')).toHaveLength(4)
  })

  it('writes the position of an input when it has moved, and not with every commit (O1)', () => {
    const driver = started()
    const partition = partitionOf(driver)
    const written = (topic: string): number =>
      driver
        .readBytes('evolving.task.changelog')
        .filter(({ key }) => key === Buffer.from(`input/${topic}/${partition}`).toString('base64'))
        .length
    const before = { points: written('telemetry.metrics'), ticks: written('control.ticks') }
    driver.pipe(telemetryMetrics, point(4, 8))
    expect(written('telemetry.metrics')).toBe(before.points + 1)
    expect(written('control.ticks')).toBe(before.ticks)
  })

  const partitionOf = (driver: TestDriver): number =>
    driver.readBytes('evolving.totals.changelog')[0]?.partition ?? 0

  it.each<{ title: string; spoil: (driver: TestDriver) => void; says: RegExp }>([
    {
      title: 'an offset set back',
      spoil: (driver) => {
        driver.setOffset('telemetry.metrics', partitionOf(driver), 1)
      },
      says: /POSITIONS_CONTRADICT_STATE: .*up to offset 3, but .* committed offset is 1/,
    },
    {
      title: 'an offset set forward',
      spoil: (driver) => {
        driver.setOffset('telemetry.metrics', partitionOf(driver), 4)
      },
      says: /POSITIONS_CONTRADICT_STATE: .*up to offset 3, but .* committed offset is 4/,
    },
    {
      title: 'an input made anew',
      spoil: (driver) => {
        driver.recreate('telemetry.metrics')
      },
      says: /TOPIC_RECREATED: Topic 'telemetry.metrics' was deleted and created again/,
    },
    {
      title: 'a global table made anew',
      spoil: (driver) => {
        driver.recreate('control.config')
      },
      says: /TOPIC_RECREATED: Topic 'control.config'/,
    },
    {
      title: 'a store’s changelog made anew',
      spoil: (driver) => {
        driver.recreate('evolving.words.changelog')
      },
      says: /TOPIC_RECREATED: Topic 'evolving.words.changelog'/,
    },
    {
      title: 'the task’s changelog made anew',
      spoil: (driver) => {
        driver.recreate('evolving.task.changelog')
      },
      says: /STATE_MISSING: .*'evolving.task.changelog' partition \d holds nothing/,
    },
  ])('$title: stops it', ({ spoil, says }) => {
    const driver = started()
    spoil(driver)
    expect(
      code(() => {
        driver.restart()
      }),
    ).toMatch(says)
  })
})
