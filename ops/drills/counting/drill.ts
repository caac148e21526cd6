/**
 * Workers are killed, frozen, removed and added at random (by a seed) while input comes in. At the
 * end every record must have had its effect once, and every bad one must be a dead letter.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { readConfig } from '../../../services/shared/config.ts'
import { kafkaCluster } from '../../../services/shared/kafka.ts'
import { registryConnection } from '../../../services/shared/registry.ts'
import { eventually } from '../../test/eventually.ts'
import { stackEnvironment, uniqueName } from '../../test/stack.ts'
import { Crew } from './crew.ts'
import { DrillInput, type Expected } from './input.ts'
import { readOutput, type Found } from './output.ts'
import { applyCounting, createCounting } from './pipeline.ts'

const STAGES = ['partitions-added', 'produced', 'offsets-committed', 'ended'] as const
const MOST_WORKERS = 3
const ROUND_EVERY_MS = 250
/** Sessions that must time out, a transaction nobody ends, a restore: then the rest is read. */
const SETTLE_LIMIT_MS = 90_000

/** mulberry32, a small generator of good enough quality: the same seed, the same drill. */
const randomFrom = (seed: number): ((below: number) => number) => {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const actOn = async (crew: Crew, random: (below: number) => number): Promise<string> => {
  const index = random(MOST_WORKERS)
  const stage = STAGES[random(STAGES.length)] ?? 'produced'
  switch (random(5)) {
    case 0:
      await crew.kill(index)
      return 'killed'
    case 1:
      await crew.killAt(index, stage)
      return `killed at ${stage}`
    case 2:
    case 3:
      await crew.freezeAt(index, stage)
      return `frozen at ${stage}`
    default:
      await crew.remove(index)
      return 'removed'
  }
}

const report = (found: Found): string =>
  `${found.counts.length} counts, ${found.windows.length} windows, ` +
  `${found.deadLetters.length} dead letters, ${found.late.length} late`

const compare = (found: Found, expected: Expected): void => {
  // Running counts of one series stand in one partition, in order.
  const order = Map.groupBy(found.counts, ([key]) => key.split(' ')[0] ?? '')
  for (const [host, counts] of order) {
    const numbers = counts.map(([key]) => Number(key.split(' ')[1]))
    expect(numbers, `counts of ${host}`).toEqual(numbers.map((_, index) => index + 1))
  }
  expect(new Map(found.counts)).toEqual(expected.counts)
  expect(found.counts).toHaveLength(expected.counts.size)
  expect(found.windows.toSorted()).toEqual([...expected.windows].toSorted())
  expect(found.deadLetters.toSorted()).toEqual(expected.deadLetters.toSorted())
  expect(found.late.toSorted()).toEqual(expected.late.toSorted())
}

const isComplete = (found: Found, expected: Expected): boolean =>
  found.counts.length >= expected.counts.size &&
  found.windows.length >= expected.windows.size &&
  found.deadLetters.length >= expected.deadLetters.length &&
  found.late.length >= expected.late.length

export const runDrill = async (options: { seed: number; durationMs: number }): Promise<void> => {
  const { seed, durationMs } = options
  const config = readConfig(stackEnvironment())
  const cluster = kafkaCluster(config, { clientId: 'worker-kill-drill' })
  const connection = registryConnection(config.schemaRegistry)
  const counting = createCounting(uniqueName('counting'))
  await applyCounting(counting, { cluster, connection })
  const crew = new Crew(counting.pipeline.name, stackEnvironment())
  const input = await DrillInput.open(counting, { cluster, connection })
  const random = randomFrom(seed)
  const done: string[] = []
  const endAtMs = performance.now() + durationMs
  const goesOn = (): boolean => performance.now() < endAtMs
  const produce = async (): Promise<void> => {
    while (goesOn()) {
      await input.sendRound()
      await sleep(ROUND_EVERY_MS)
    }
    await input.finish()
  }
  try {
    crew.add()
    crew.add()
    const producing = produce()
    while (goesOn()) {
      await sleep(500 + random(3_000))
      done.push(await actOn(crew, random))
      while (crew.size < 2 || (crew.size < MOST_WORKERS && random(2) === 0)) crew.add()
    }
    await producing
    const startedAtMs = performance.now()
    const found = await eventually(
      () => readOutput(cluster, counting),
      (output) => isComplete(output, input.expected),
      { timeoutMs: SETTLE_LIMIT_MS, intervalMs: 500 },
    )
    const settledMs = Math.round(performance.now() - startedAtMs)
    console.info(`seed ${seed}: ${input.records} records; ${done.join(', ')}; ${report(found)}`)
    console.info(`seed ${seed}: complete ${settledMs} ms after the last record`)
    compare(found, input.expected)
  } catch (error) {
    console.error(`seed ${seed}: ${done.join(', ')}\n${crew.lines.join('\n')}`)
    throw error
  } finally {
    await crew.dispose()
    await cluster.close()
  }
}
