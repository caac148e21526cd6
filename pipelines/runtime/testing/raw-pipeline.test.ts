/** Raw pipelines in the test driver: any bytes, any partitions, one record that says many things. */
import { expect, it } from 'vitest'
import { signalsRollups, telemetryMetrics } from '../../../schemas/topics.ts'
import { copartitioned, definePipeline } from '../index.ts'
import { defineRawPipeline, raw, Undecodable, type RawRecord } from '../topology/raw-pipeline.ts'
import { ring } from '../topology/state.ts'
import { internalTopics } from '../topology/internal-topics.ts'
import { createTestDriver } from './test-driver.ts'

type Driver = ReturnType<typeof createTestDriver>

/** `name=value` lines, each a point. */
const linesOf = ({ value }: RawRecord): readonly string[] | Undecodable => {
  if (value === null) return new Undecodable('there is no value')
  const text = value.toString('utf8')
  return text.includes('=') ? text.split('\n') : new Undecodable(`'${text}' has no '='`)
}

const build = (topics: readonly string[] = ['lines']) =>
  defineRawPipeline({
    name: 'explode',
    version: 1,
    inputs: Object.fromEntries(topics.map((topic) => [topic, raw(topic, { decode: linesOf })])),
    state: { seen: ring({ capacity: 8 }) },
    outputs: { points: telemetryMetrics },
    on: Object.fromEntries(
      topics.map((topic) => [
        topic,
        (lines: readonly string[], { seen }: { seen: Seen }, context: Emits) => {
          seen.push(lines.length)
          for (const line of lines) {
            const [name = '', value = ''] = line.split('=')
            const labels = { nth: String(seen.total), size: 'x'.repeat(Number(value)) }
            const point = {
              timestamp: 1_000,
              value: 1,
              tenant: 't',
              name,
              labels,
              unit: null,
              kind: 'gauge',
            }
            const fault = context.emit('points', point)
            if (fault !== undefined) context.reject(`${name}: ${fault}`)
          }
        },
      ]),
    ),
  })
interface Seen {
  push(value: number): void
  readonly total: number
}
interface Emits {
  emit(output: 'points', value: object): string | undefined
  reject(detail: string): void
}

const sorted = (driver: Driver): string[] =>
  driver
    .readBytes('telemetry.metrics')
    .map((record) => JSON.stringify(record))
    .sort()

const lines = { name: 'lines' }
const at = (partition: number, text: string | null) => ({
  partition,
  key: null,
  value: text === null ? null : Buffer.from(text),
})
const said = (driver: Driver): string[] =>
  driver.read(telemetryMetrics).map(({ name, labels }) => `${name} ${labels['nth'] ?? ''}`)

it('explodes records of any partition under the keys of what they say, whatever keys they have', () => {
  const driver = createTestDriver(build(), { partitions: 3, rawPartitions: { lines: 7 } })
  for (let partition = 0; partition < 7; partition++) {
    driver.pipeRaw(lines, {
      ...at(partition, `a${String(partition)}=1\nb=1`),
      key: Buffer.from('?'),
    })
  }
  const names = said(driver).map((text) => text.split(' ')[0])
  expect(names.filter((name) => name === 'b')).toHaveLength(7)
  expect(new Set(names).size).toBe(8)
  const direct = createTestDriver(build(), { partitions: 3 })
  direct.pipe(telemetryMetrics, ...driver.read(telemetryMetrics))
  const place = (each: Driver) =>
    each.readBytes('telemetry.metrics').map(({ partition, key }) => `${String(partition)} ${key}`)
  expect(place(driver).sort()).toEqual(place(direct).sort())
})

it('puts aside what cannot be decoded, with the reason, and goes on', () => {
  const driver = createTestDriver(build(), { rawPartitions: { lines: 1 } })
  driver.pipeRaw(lines, at(0, 'junk'))
  driver.pipeRaw(lines, at(0, null))
  driver.pipeRaw(lines, at(0, 'x'.repeat(8 * 1024 * 1024 + 1)))
  driver.pipeRaw(lines, at(0, 'good=1'))
  const letters = driver.readDeadLetters().map(({ headers }) => headers)
  expect(letters.map((headers) => headers['millrace-reason'])).toEqual([
    'undecodable',
    'undecodable',
    'record-too-large',
  ])
  expect(letters[0]?.['millrace-detail']).toBe("'junk' has no '='")
  expect(letters[0]?.['millrace-origin-topic']).toBe('lines')
  expect(said(driver)).toEqual(['good 1'])
})

it('writes the good part of a record whose rest no topic would take, and says what was left', () => {
  const driver = createTestDriver(build(), { rawPartitions: { lines: 1 } })
  driver.pipeRaw(lines, at(0, 'good=1\n=1\nlong=9000\nafter=1'))
  expect(said(driver)).toEqual(expect.arrayContaining(['good 1', 'after 1']))
  expect(said(driver)).toHaveLength(2)
  const [letter] = driver.readDeadLetters()
  expect(letter?.headers['millrace-reason']).toBe('rejected')
  expect(letter?.headers['millrace-detail']).toMatch(/^long: the key takes 90\d\d bytes/)
})

it('bounds what one record leads to, and cuts it into batches that their topic takes', () => {
  const driver = createTestDriver(build(), { rawPartitions: { lines: 1 } })
  const many = Array.from({ length: 6_000 }, (_, index) => `m${String(index)}=8000`).join('\n')
  driver.pipeRaw(lines, at(0, many))
  const emitted = said(driver).length
  expect(emitted).toBeGreaterThan(1_900)
  expect(emitted).toBeLessThan(2_200)
  const [letter] = driver.readDeadLetters()
  expect(letter?.headers['millrace-detail']).toMatch(/one record may lead to 33554432 bytes/)
})

it.each([0, 1, 2, 3])('a restart behind %i records changes nothing', (cut) => {
  const story = ['a=1', 'b=1', 'junk', 'c=1\nd=1', 'e=1'].map((text, index) => at(index % 2, text))
  const [whole, restarted] = [0, 1].map(() =>
    createTestDriver(build(), { rawPartitions: { lines: 2 } }),
  ) as [Driver, Driver]
  for (const record of story) whole.pipeRaw(lines, record)
  for (const [index, record] of story.entries()) {
    if (index === cut) restarted.restart()
    restarted.pipeRaw(lines, record)
  }
  expect(restarted.readBytes('telemetry.metrics')).toEqual(whole.readBytes('telemetry.metrics'))
  expect(restarted.readDeadLetters()).toEqual(whole.readDeadLetters())
})

it('gives the same bytes again, in other batches and with tasks that die', () => {
  const driver = createTestDriver(build(['lines', 'more']), {
    partitions: 2,
    rawPartitions: { lines: 3, more: 1 },
    recordsPerCommit: 3,
  })
  driver.hold(() => {
    for (let index = 0; index < 40; index++) {
      const topic = index % 4 === 3 ? { name: 'more' } : lines
      driver.pipeRaw(topic, at(index % 4 === 3 ? 0 : index % 3, `n${String(index)}=1\nall=1`))
    }
  })
  let commits = 0
  const again = driver.rederive({
    recordsPerCommit: 2,
    batchesPerFetch: 1,
    crashes: () => commits++ % 3 === 0,
  })
  expect(sorted(again)).toEqual(sorted(driver)) // tasks write to the same partitions as it comes
  expect(said(driver)).toHaveLength(80)
})

it('waits for a topic that does not exist, reads it when it does, and goes on as it grows', () => {
  const driver = createTestDriver(build(['lines', 'more']), {
    partitions: 2,
    rawPartitions: { lines: 1 },
  })
  driver.pipeRaw({ name: 'more' }, at(1, 'early=1')) // not there for the tasks yet
  driver.pipeRaw(lines, at(0, 'first=1'))
  expect(said(driver)).toEqual(['first 1'])
  driver.setRawPartitions({ lines: 1, more: 2 })
  driver.pipeRaw(lines, at(0, 'second=1'))
  expect(said(driver).sort()).toEqual(['early 1', 'first 1', 'second 2'])
  driver.setRawPartitions({ lines: 5, more: 2 })
  driver.pipeRaw(lines, at(4, 'grown=1'))
  driver.pipeRaw(lines, at(0, 'third=1'))
  expect(said(driver).sort()).toEqual(['early 1', 'first 1', 'grown 1', 'second 2', 'third 3'])
})

it('reads a topic that was made anew from its beginning', () => {
  const driver = createTestDriver(build(), { rawPartitions: { lines: 1 } })
  driver.pipeRaw(lines, at(0, 'old=1'))
  driver.setRawPartitions({})
  driver.recreate('lines')
  driver.setRawPartitions({ lines: 1 })
  driver.pipeRaw(lines, at(0, 'new=1'))
  expect(said(driver).sort()).toEqual(['new 2', 'old 1'])
})

it('goes on when a topic is no longer read, and where it had been when it is again', () => {
  const driver = createTestDriver(build(['lines', 'more']), {
    rawPartitions: { lines: 1, more: 1 },
  })
  driver.pipeRaw(lines, at(0, 'a=1'))
  driver.restartAs(build(['more']))
  driver.pipeRaw(lines, at(0, 'b=1'))
  driver.pipeRaw({ name: 'more' }, at(0, 'c=1'))
  driver.restartAs(build(['lines', 'more']))
  expect(said(driver).sort()).toEqual(['a 1', 'b 2', 'c 1'])
})

it('has no topics of time and order, and makes nobody behind it wait for its clock', () => {
  expect(internalTopics(build()).map(({ name }) => name)).toEqual([
    'explode.keys.changelog',
    'explode.seen.changelog',
    'explode.task.changelog',
    'explode.dead-letter',
  ])
  const spec = { name: 'x', version: 1, inputs: {}, on: {} }
  expect(() => defineRawPipeline({ ...spec, outputs: { rollups: signalsRollups } })).toThrow(
    /waits for the ticks of 'pipelines\/rollups', and a raw pipeline has none/,
  )
})

it('is a producer for the pipeline behind it: time comes to that one by control.ticks alone', () => {
  const driver = createTestDriver(build(), { rawPartitions: { lines: 1 } })
  const closed: string[] = []
  const counts = definePipeline({
    name: 'counts',
    version: 1,
    inputs: { points: copartitioned(telemetryMetrics, ['timestamp', 'value']) },
    outputs: {},
    windows: {
      minute: {
        input: 'points',
        window: { kind: 'aligned', sizeMs: 60_000, advanceMs: 60_000, graceMs: 0 },
        row: { count: 0 },
        add: (_, { row }) => {
          row.count += 1
        },
        close: ({ row }, _bounds, _state, { key }) => {
          closed.push(`${key.split('\u001f')[1] ?? ''} ${String(row.count)}`)
        },
      },
    },
    keyIdleTtlMs: 100_000,
    keyLimit: { perTask: 10, perGroup: 10, groupOf: () => '' },
  })
  driver.chain(counts)
  driver.pipeRaw(lines, at(0, 'a=1'))
  driver.tick({ tenant: 't', atMs: 60_000 })
  expect(closed).toEqual(['a 1'])
})
