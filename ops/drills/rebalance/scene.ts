/** Workers that number a steady stream, while some come and go: what it cost those that stayed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { readConfig } from '../../../services/shared/config.ts'
import { kafkaCluster } from '../../../services/shared/kafka.ts'
import { registryConnection } from '../../../services/shared/registry.ts'
import { eventually } from '../../test/eventually.ts'
import { stackEnvironment, uniqueName } from '../../test/stack.ts'
import { Crew } from './crew.ts'
import { applyNumbering, createNumbering } from './pipeline.ts'
import { Stream } from './stream.ts'

const AFTERWARDS_MS = 500

export interface Outcome {
  readonly what: string
  /** Longest silence of each partition that stayed with its worker, and of each that moved. */
  readonly stayedMs: readonly number[]
  readonly movedMs: readonly number[]
  readonly aborted: number
}

export class Scene {
  readonly outcomes: Outcome[] = []
  readonly crew: Crew
  readonly #stream: Stream
  readonly #close: () => Promise<void>

  private constructor(crew: Crew, stream: Stream, close: () => Promise<void>) {
    this.crew = crew
    this.#stream = stream
    this.#close = close
  }

  static async open(): Promise<Scene> {
    const config = readConfig(stackEnvironment())
    const cluster = kafkaCluster(config, { clientId: 'rebalance-test' })
    const connection = registryConnection(config.schemaRegistry)
    const numbering = createNumbering(uniqueName('numbering'))
    await applyNumbering(numbering, { cluster, connection })
    const stream = await Stream.open(numbering, { cluster, connection })
    const crew = new Crew(numbering.pipeline.name, stackEnvironment())
    return new Scene(crew, stream, async () => {
      await crew.dispose()
      await stream.end()
      await cluster.close()
    })
  }

  /** Workers at work, and input for all partitions. */
  async begin(workers: number): Promise<void> {
    for (let count = 0; count < workers; count++) this.crew.start()
    await this.crew.settled()
    this.#stream.start()
    await this.#flows()
  }

  /** Does something to the workers, and measures until all have found their places again. */
  async during(what: string, act: () => unknown): Promise<void> {
    const before = await this.crew.settled()
    const abortedBefore = await this.#stream.abortedRecords()
    const fromMs = performance.now()
    await act()
    const after = await this.crew.settled()
    await sleep(AFTERWARDS_MS)
    const toMs = performance.now()
    const gapMs = (partition: number): number =>
      Math.round(this.#stream.longestGapMs(partition, fromMs, toMs))
    const stays = (partition: number): boolean => before.get(partition) === after.get(partition)
    const all = [...before.keys()].sort()
    const outcome = {
      what,
      stayedMs: all.filter(stays).map(gapMs),
      movedMs: all.filter((partition) => !stays(partition)).map(gapMs),
      aborted: (await this.#stream.abortedRecords()) - abortedBefore,
    }
    this.outcomes.push(outcome)
    const { stayedMs, movedMs, aborted } = outcome
    console.info(
      `${what}: silence of partitions that stayed ${stayedMs.join(', ')} ms, ` +
        `that moved ${movedMs.join(', ')} ms; ${aborted} records taken back`,
    )
  }

  /** Longest silences of all partitions that stayed, in ascending order. */
  get stayedMs(): number[] {
    return this.outcomes.flatMap(({ stayedMs }) => stayedMs).sort((a, b) => a - b)
  }

  /** What each partition of the output holds when everything has been processed; 1, 2, 3, ... */
  async finish(): Promise<{ readonly found: number[][]; readonly expected: number[][] }> {
    await this.#stream.end()
    const expected = this.#stream.sent.map((count) =>
      Array.from({ length: count }, (_, index) => index + 1),
    )
    const found = await eventually(
      () => Promise.all(expected.map((_, partition) => this.#stream.numbers(partition))),
      (numbers) => numbers.flat().length >= expected.flat().length,
    )
    return { found, expected }
  }

  close(): Promise<void> {
    return this.#close()
  }

  async #flows(): Promise<void> {
    await eventually(
      () => this.#stream.sent.map((_, partition) => this.#stream.hasSeen(partition)),
      (seen) => seen.every(Boolean),
    )
  }
}
