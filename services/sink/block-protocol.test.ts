/**
 * The protocol against a model of ClickHouse: any number of sinks that believe they own the same
 * partition, each of which may be asleep for any time, die at any step, or lose an answer.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  commitBlock,
  openPartition,
  REPEAT_WITHIN_MS,
  type ProtocolPorts,
} from './block-protocol.ts'
import type { PartitionId } from './block.ts'
import { SinkError } from './errors.ts'
import { ModelBlockStore, ModelServer, modelRows, type Fault } from './testing/model-block-store.ts'

const id: PartitionId = { topic: 't', topicId: 'T', partition: 0 }
const LOG_END = 40
/** Control records have offsets and no rows. */
const isData = (offset: number): boolean => offset % 7 !== 3
const dataIn = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index).filter(isData)

class Died extends Error {}

interface Waiting {
  readonly sink: number
  readonly step: string
  readonly go: (fault: Fault) => void
  readonly die: () => void
}

/** Runs sinks step by step as `choices` say; a sink that died is started again. */
class World {
  readonly server: ModelServer
  readonly trace: string[] = []
  readonly #choices: Iterator<number>
  #waiting: Waiting[] = []
  #nextClaim = 0

  constructor(server: ModelServer, choices: readonly number[]) {
    this.server = server
    this.#choices = choices[Symbol.iterator]()
  }

  pick(options: number): number | undefined {
    const next = this.#choices.next()
    return next.done ? undefined : next.value % options
  }

  ports(sink: number): ProtocolPorts {
    const gate = (step: string): Promise<Fault> =>
      new Promise((go, reject) => {
        this.#waiting.push({
          sink,
          step,
          go,
          die: () => {
            reject(new Died())
          },
        })
      })
    return {
      store: new ModelBlockStore(this.server, gate),
      readRange: ({ firstOffset, lastOffset }) => {
        const offsets = dataIn(firstOffset, lastOffset)
        return Promise.resolve({ kind: 'rows', count: offsets.length, rows: modelRows(offsets) })
      },
      persist: async (_step, attempt) => {
        for (;;) {
          try {
            return await attempt()
          } catch (error) {
            if (!(error instanceof SinkError)) throw error
          }
        }
      },
      warn: () => undefined,
    }
  }

  /** One life of a sink: opens the partition and writes blocks until the end of the log. */
  async live(sink: number): Promise<void> {
    const ports = this.ports(sink)
    for (;;) {
      let next = (await openPartition(ports, id)).next ?? 0
      while (next < LOG_END) {
        const lastOffset = Math.min(LOG_END - 1, next + (this.pick(9) ?? 4))
        const offsets = dataIn(next, lastOffset)
        const claim = {
          firstOffset: next,
          lastOffset,
          rows: offsets.length,
          ingestedAtMs: 0,
          claimId: `${String(sink)}-${String(this.#nextClaim++)}`,
        }
        const outcome = await commitBlock(ports, id, { claim, rows: modelRows(offsets) })
        if (outcome === 'lost') break
        next = lastOffset + 1
      }
      if (next >= LOG_END) return
    }
  }

  async run(sinks: number): Promise<void> {
    let alive = 0
    const start = (sink: number): void => {
      alive += 1
      this.live(sink).then(
        () => {
          alive -= 1
        },
        (error: unknown) => {
          if (!(error instanceof Died)) throw error
          alive -= 1
          start(sink)
        },
      )
    }
    for (let sink = 0; sink < sinks; sink += 1) start(sink)
    for (;;) {
      await new Promise(setImmediate)
      if (alive === 0) return
      this.#step()
    }
  }

  /** Out of choices, everybody goes on in turn and nothing goes wrong: the run ends. */
  #step(): void {
    const chosen = this.#waiting.splice(this.pick(this.#waiting.length) ?? 0, 1)[0]
    if (chosen === undefined) throw new Error('nobody waits, yet somebody is alive')
    const event = this.pick(14)
    const faults: Readonly<Record<number, Fault>> = {
      1: 'lost-request',
      2: 'lost-answer',
      3: 'died-before-rows',
      4: 'died-before-views',
    }
    const fault = faults[event ?? 0] ?? 'none'
    this.trace.push(`${String(chosen.sink)} ${chosen.step} ${event === 5 ? 'dies' : fault}`)
    if (event === 5) chosen.die()
    else chosen.go(fault)
  }
}

const expected = dataIn(0, LOG_END - 1)
const sorted = (offsets: readonly number[]): number[] => [...offsets].sort((a, b) => a - b)

describe('whatever happens to three sinks of one partition', () => {
  const property = (check: (world: World) => void) =>
    fc.asyncProperty(fc.array(fc.nat(1000), { maxLength: 400 }), async (choices) => {
      const world = new World(new ModelServer({ tokenWindow: 100, openAgeMs: 0 }), choices)
      await world.run(3)
      check(world)
    })

  it('every row is in ClickHouse once, and in its views once', async () => {
    await fc.assert(
      property(({ server, trace }) => {
        expect(sorted(server.offsets), trace.join('\n')).toEqual(expected)
        expect(server.viewRows, trace.join('\n')).toBe(expected.length)
      }),
      { numRuns: 150 },
    )
  })

  it('every row is in ClickHouse once when tokens are forgotten soon', async () => {
    // Three sinks have at most three inserts under way: what a token must outlive.
    const run = fc.asyncProperty(fc.array(fc.nat(1000), { maxLength: 400 }), async (choices) => {
      const server = new ModelServer({ tokenWindow: 8, openAgeMs: REPEAT_WITHIN_MS + 1 })
      const world = new World(server, choices)
      await world.run(3)
      expect(sorted(server.offsets), world.trace.join('\n')).toEqual(expected)
    })
    await fc.assert(run, { numRuns: 150 })
  })
})
