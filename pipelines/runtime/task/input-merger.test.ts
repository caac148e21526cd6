import { describe, expect, it } from 'vitest'
import { RecordBatchBuilder, RecordSet } from '../record/index.ts'
import { MemoryBroker } from '../testing/memory-broker.ts'
import { AppendTimeOrder, RecordedOrder, type InputOrder } from './input-merger.ts'
import { InputQueue } from './input-queue.ts'
import type { TaskInput } from './task-inputs.ts'

const broker = () => new MemoryBroker()
const inputOf = (topic: string, kind: TaskInput['kind']): TaskInput => ({
  kind,
  topic,
  partition: 0,
  name: topic,
})

/** Queues filled with records of the given append times; `seenAtMs` is when their end was asked for. */
const queuesOf = (
  inputs: Record<
    string,
    { kind: TaskInput['kind']; times: number[]; seenAtMs?: number; more?: boolean }
  >,
): InputQueue[] =>
  Object.entries(inputs).map(([topic, { kind, times, seenAtMs = 100, more = false }]) => {
    const log = broker()
    for (const time of times) {
      const builder = new RecordBatchBuilder()
      builder.appendRecord(null, Buffer.from('x'))
      log.append({ topic, partition: 0 }, builder, time)
    }
    const queue = new InputQueue(inputOf(topic, kind), 0)
    const end = log.endOffset(topic, 0)
    queue.push({
      records: log.fetch(topic, 0, 0),
      highWatermark: more ? end + 1 : end,
      requestedAtMs: seenAtMs,
      receivedAtMs: seenAtMs,
    })
    return queue
  })

/** Takes everything the order gives, as `topic@time`. */
const drain = (order: InputOrder): string[] => {
  const taken: string[] = []
  for (let pick = order.next(); pick !== undefined; pick = order.next()) {
    const { queue, untilMs, untilOffset } = pick
    do {
      taken.push(`${queue.input.topic}@${queue.head.timestampMs}`)
      queue.advance()
    } while (queue.hasHead && queue.head.timestampMs <= untilMs && queue.head.offset < untilOffset)
  }
  return taken
}

describe('by append time', () => {
  it('merges data by time; at the same time data before ticks, then by topic', () => {
    const queues = queuesOf({
      ticks: { kind: 'ticks', times: [1, 5] },
      b: { kind: 'source', times: [1, 5, 6] },
      a: { kind: 'repartition', times: [2, 5] },
    })
    expect(drain(new AppendTimeOrder(queues))).toEqual([
      ...['b@1', 'ticks@1', 'a@2', 'a@5', 'b@5', 'ticks@5', 'b@6'],
    ])
  })

  it('gives the same order however many records are taken at once', () => {
    const times = { a: [1, 1, 2, 2, 3], b: [1, 2, 2, 2, 9], c: [2, 2] }
    const make = () =>
      queuesOf({
        a: { kind: 'source', times: times.a },
        b: { kind: 'source', times: times.b },
        c: { kind: 'source', times: times.c },
      })
    const oneByOne: string[] = []
    const order = new AppendTimeOrder(make())
    for (let pick = order.next(); pick !== undefined; pick = order.next()) {
      oneByOne.push(`${pick.queue.input.topic}@${pick.queue.head.timestampMs}`)
      pick.queue.advance()
    }
    expect(drain(new AppendTimeOrder(make()))).toEqual(oneByOne)
  })

  it('holds a tick back while another input may still bring something older', () => {
    const held = queuesOf({
      ticks: { kind: 'ticks', times: [5], seenAtMs: 100 },
      // Its end was asked for before the tick arrived: a record may have come in between.
      a: { kind: 'source', times: [], seenAtMs: 99 },
    })
    expect(drain(new AppendTimeOrder(held))).toEqual([])
    const [, a] = held
    a?.push({
      records: broker().fetch('a', 0, 0),
      highWatermark: 0,
      requestedAtMs: 100,
      receivedAtMs: 101,
    })
    expect(drain(new AppendTimeOrder(held))).toEqual(['ticks@5'])
  })

  it('holds a tick back while an input is not at its high watermark', () => {
    const queues = queuesOf({
      ticks: { kind: 'ticks', times: [5] },
      a: { kind: 'source', times: [1], more: true },
    })
    expect(drain(new AppendTimeOrder(queues))).toEqual(['a@1'])
  })

  it('lets configuration wait for data and ticks as ticks do', () => {
    const queues = queuesOf({
      config: { kind: 'global', times: [3] },
      ticks: { kind: 'ticks', times: [2] },
      a: { kind: 'source', times: [3, 4] },
    })
    expect(drain(new AppendTimeOrder(queues))).toEqual(['ticks@2', 'a@3', 'config@3', 'a@4'])
  })
})

describe('ticks that other tasks passed on', () => {
  /** A tick that comes behind offset 2 of `a`, which has as many records as `times`. */
  const behindTwo = (options: {
    tickTopic?: string
    behind?: string
    times: number[]
    seenAtMs?: number
  }) => {
    const { tickTopic = 'up.ticks', behind = 'a:2', times, seenAtMs = 100 } = options
    const log = broker()
    const tick = new RecordBatchBuilder()
    tick.appendRecord(null, Buffer.from('t'), [
      { key: 'millrace-behind', value: Buffer.from(behind) },
    ])
    log.append({ topic: tickTopic, partition: 0 }, tick, 1)
    const ticks = new InputQueue(inputOf(tickTopic, 'ticks'), 0)
    const answer = { requestedAtMs: 100, receivedAtMs: 100 }
    ticks.push({ ...answer, records: log.fetch(tickTopic, 0, 0), highWatermark: 1 })
    return [ticks, ...queuesOf({ a: { kind: 'repartition', times, seenAtMs } })]
  }

  it('come behind the offset they name, whatever the append times say', () => {
    expect(drain(new AppendTimeOrder(behindTwo({ times: [7, 8, 9] })))).toEqual([
      ...['a@7', 'a@8', 'up.ticks@1', 'a@9'],
    ])
  })

  it('wait for data that is not there yet', () => {
    const queues = behindTwo({ times: [7] })
    expect(drain(new AppendTimeOrder(queues))).toEqual(['a@7'])
  })

  it('wait no longer than it takes to be sure that the data is gone', () => {
    const soon = behindTwo({ times: [7], seenAtMs: 100 + 9_999 })
    expect(drain(new AppendTimeOrder(soon))).toEqual(['a@7'])
    const later = behindTwo({ times: [7], seenAtMs: 100 + 10_000 })
    expect(drain(new AppendTimeOrder(later))).toEqual(['up.ticks@1', 'a@7'])
  })

  it('do not wait for data that has expired: the log goes on behind it', () => {
    const queues = behindTwo({ times: [] })
    const [, a] = queues
    const records = new RecordSet(Buffer.alloc(0), { fromOffset: 2 })
    a?.push({ records, highWatermark: 2, requestedAtMs: 101, receivedAtMs: 101 })
    expect(drain(new AppendTimeOrder(queues))).toEqual(['up.ticks@1'])
  })

  it.each([
    { title: 'name a topic that is no input', options: { behind: 'b:9' } },
    { title: 'come from a producer, whoever that is', options: { tickTopic: 'control.ticks' } },
    { title: 'name no offset', options: { behind: 'a' } },
    { title: 'name none that a log can reach', options: { behind: 'a:NaN' } },
  ])('go by append time if they $title', ({ options }) => {
    const [first] = drain(new AppendTimeOrder(behindTwo({ times: [7], ...options })))
    expect(first).toBe(`${options.tickTopic ?? 'up.ticks'}@1`)
  })
})

describe('as recorded', () => {
  it('follows the runs, whatever the append times say', () => {
    const queues = queuesOf({
      a: { kind: 'source', times: [1, 2, 3] },
      ticks: { kind: 'ticks', times: [9] },
    })
    const order = new RecordedOrder(queues, [
      { topic: 'a', partition: 0, upTo: 1 },
      { topic: 'ticks', partition: 0, upTo: 1 },
      { topic: 'a', partition: 0, upTo: 3 },
    ])
    expect(drain(order)).toEqual(['a@1', 'ticks@9', 'a@2', 'a@3'])
    expect(order.awaited).toBeUndefined()
  })

  it('waits for a record that is not there yet', () => {
    const queues = queuesOf({ a: { kind: 'source', times: [1] } })
    const order = new RecordedOrder(queues, [{ topic: 'a', partition: 0, upTo: 2 }])
    expect(drain(order)).toEqual(['a@1'])
    expect(order.awaited?.input.topic).toBe('a')
  })
})
