import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { KafkaIntake, type IntakeLimits } from './intake.ts'

type Append = ConstructorParameters<typeof KafkaIntake>[0]['producer']['append']
type Delivery = Awaited<ReturnType<Append>>

const sender = { tenant: 'default', id: 'one' }
const other = { tenant: 'default', id: 'two' }
const record = (bytes: number, partition = 0) => ({
  topic: 'telemetry.metrics',
  partition,
  key: Buffer.alloc(0),
  // With the overhead that is counted for each record.
  value: Buffer.alloc(bytes - 20),
})

/** A producer with one batch per partition, which the test acknowledges. */
const kafka = (limits: Partial<IntakeLimits> = {}) => {
  let nowMs = 0
  const refused: unknown[] = []
  const batches = new Map<number, PromiseWithResolvers<Delivery>>()
  const batchOf = (partition: number) => {
    const known = batches.get(partition)
    if (known !== undefined) return known
    const made = Promise.withResolvers<Delivery>()
    batches.set(partition, made)
    return made
  }
  const intake = new KafkaIntake({
    producer: { append: ({ partition = 0 }) => batchOf(partition).promise },
    limits: { pendingBytes: 1000, senderBytes: 500, requestBytes: 1000, waitMs: 10_000, ...limits },
    nowMs: () => nowMs,
    random: () => 0,
    wordOf: () => undefined,
    onRefused: (error) => refused.push(error),
  })
  return {
    intake,
    refused,
    wait: (ms: number) => {
      nowMs += ms
    },
    acknowledge: async (partition = 0) => {
      batchOf(partition).resolve({ topic: 't', partition, baseOffset: 0, count: 1 })
      batches.delete(partition)
      await Promise.resolve()
      await Promise.resolve()
    },
    fail: (partition = 0) => {
      batchOf(partition).reject(new Error('no such topic'))
      batches.delete(partition)
    },
  }
}

describe('what waits for Kafka', () => {
  it('counts until it is acknowledged, partition by partition', async () => {
    const { intake, acknowledge } = kafka()
    const batch = intake.open(sender, 100)
    batch.append(record(100, 0))
    batch.append(record(50, 1))
    batch.append(record(50, 0))
    const done = batch.acknowledged()
    expect(intake.pendingBytes).toBe(200)
    await acknowledge(0)
    expect(intake.pendingBytes).toBe(50)
    await acknowledge(1)
    expect(intake.pendingBytes).toBe(0)
    await done
  })

  it('counts also when nobody asks what became of it', async () => {
    const { intake, acknowledge } = kafka()
    intake.open(sender, 100).append(record(100))
    expect(intake.pendingBytes).toBe(100)
    await acknowledge()
    expect(intake.pendingBytes).toBe(0)
  })

  it.each([
    { title: 'up to its share', who: sender, bytes: 200, code: undefined },
    { title: 'beyond its share', who: sender, bytes: 201, code: 'sender-over-share' },
    { title: 'another sender beside it', who: other, bytes: 500, code: undefined },
    { title: 'beyond what all may', who: other, bytes: 701, code: 'kafka-behind' },
  ])('$title', ({ who, bytes, code }) => {
    const { intake } = kafka()
    intake.open(sender, 300).append(record(300))
    const open = () => intake.open(who, bytes)
    if (code === undefined) expect(open).not.toThrow()
    else expect(open).toThrow(expect.objectContaining({ code }))
  })

  it('takes what is larger than the bound while nothing else waits', () => {
    const { intake } = kafka()
    expect(() => intake.open(sender, 5000)).not.toThrow()
  })

  it('stops a request that makes more than any may, and nobody else', () => {
    const { intake } = kafka()
    const batch = intake.open(sender, 10)
    batch.append(record(900))
    expect(() => {
      batch.append(record(101))
    }).toThrow(expect.objectContaining({ code: 'request-expands', status: 413 }))
    expect(() => {
      batch.append(record(100))
    }).not.toThrow()
  })
})

describe('when to come again', () => {
  it.each([
    { title: 'after a second where Kafka is fast', perSecond: 1000, seconds: 1 },
    { title: 'after what the excess takes to drain', perSecond: 10, seconds: 20 },
    { title: 'after half a minute at most', perSecond: 5, seconds: 30 },
  ])('$title', async ({ perSecond, seconds }) => {
    const { intake, wait, acknowledge } = kafka({ pendingBytes: 10_000, requestBytes: 10_000 })
    intake.open(sender, 10).append(record(perSecond * 10))
    await acknowledge()
    wait(9_000)
    intake.open(sender, 10).append(record(9_900, 1))
    expect(() => intake.open(other, 300)).toThrow(
      expect.objectContaining({ code: 'kafka-behind', retryAfterSeconds: seconds }),
    )
  })
})

describe('a Kafka that is silent', () => {
  it('lets nobody in after as long as a request waits, and says so', async () => {
    const { intake, wait, acknowledge } = kafka()
    wait(60_000)
    intake.open(sender, 100).append(record(100))
    wait(10_000)
    expect(intake.ready()).toBe(true)
    wait(1)
    expect(intake.ready()).toMatch('has not acknowledged anything for 10 s')
    expect(() => intake.open(other, 10)).toThrow(
      expect.objectContaining({ code: 'kafka-behind', status: 503, retryAfterSeconds: 30 }),
    )
    await acknowledge()
    expect(intake.ready()).toBe(true)
    expect(() => intake.open(other, 10)).not.toThrow()
  })
})

describe('waiting for the acknowledgement', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('ends after a time, and can be taken up again', async () => {
    const { intake, acknowledge } = kafka()
    const batch = intake.open(sender, 100)
    batch.append(record(100))
    const first = expect(batch.acknowledged()).rejects.toMatchObject({
      code: 'not-acknowledged',
      status: 503,
    })
    await vi.advanceTimersByTimeAsync(10_000)
    await first
    const second = batch.acknowledged()
    await acknowledge()
    await second
    await batch.acknowledged()
  })

  it('tells when Kafka refuses for good', async () => {
    const { intake, fail, refused } = kafka()
    const batch = intake.open(sender, 100)
    batch.append(record(100))
    const done = expect(batch.acknowledged()).rejects.toMatchObject({
      code: 'kafka-refused',
      status: 503,
      retryAfterSeconds: 30,
    })
    fail()
    await done
    expect(refused).toEqual([new Error('no such topic')])
    expect(intake.pendingBytes).toBe(0)
  })

  it('has nothing to wait for where nothing was appended', async () => {
    await kafka().intake.open(sender, 100).acknowledged()
  })
})
