/**
 * The input: points of many series at a known rate, some of them misplaced, out of order, late or
 * poison, and the ticks of their tenant. What is sent follows from the seed and from how often
 * `sendRound` and `sendPoison` were called; when it is sent does not matter.
 *
 * I1: everything sent is acknowledged in the end: the producer is idempotent and never gives up. So
 *     what was sent is exactly what the topic holds, and `compare` checks that too.
 * I2: records of one series come in one order: always by the same partition, right or wrong.
 * I3: no tick is ahead of a record that comes later: lateness follows from the series alone.
 */
import type { RecordEncoder } from '../../pipelines/runtime/avro/index.ts'
import { IdempotentProducer, type KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import type { RegistryConnection } from '../../pipelines/runtime/kafka/registry-http.ts'
import { murmur2, toPartition } from '../../pipelines/runtime/record/index.ts'
import type { Tick } from '../../schemas/generated/control-ticks.ts'
import type { MetricPoint } from '../../schemas/generated/telemetry-metrics.ts'
import { controlTicks, telemetryMetrics } from '../../schemas/topics.ts'
import { topicEncoder } from '../../services/shared/registry.ts'
import { Expectation } from './expectation.ts'
import { PARTITIONS } from './plan.ts'
import { poisons, type Poison } from './poison.ts'
import { randomFrom, type Random } from './random.ts'

export const TENANT = 'chaos'
/** The header by which a poison record is known again in a dead-letter topic. */
export const POISON_HEADER = 'chaos-poison'

const SERIES = 240
/** Two of three series speak once in so many rounds: their state rests in the changelog. */
const QUIET_ROUNDS = 16
const ROUND_MS = 2_000
const START_MS = Date.UTC(2026, 0, 1)
const VALUES = 10_000
/** Out of order, so that some windows of it have closed and others have not. */
const BACK_MS = 25_000
/** So far behind that every window of it has closed. */
const LATE_MS = 300_000
/** Passes the end of every window. */
const END_MS = 3_600_000
const LARGE_UNIT_CHARS = 700_000

const isQuiet = (series: number): boolean => series % 3 !== 0

export class Input {
  readonly expected = new Expectation()
  /** Sent to the input topic, poison included. */
  records = 0
  poison = 0
  /** Of the poison: what the sink has no row for, by id, with the reason. */
  readonly sinkLetters = new Map<string, string>()
  readonly #producer: IdempotentProducer
  readonly #points: RecordEncoder<MetricPoint>
  readonly #ticks: RecordEncoder<Tick>
  readonly #random: Random
  /** Its own: poison may come at any moment of a round. */
  readonly #poisonRandom: Random
  #round = 0

  private constructor(options: {
    readonly producer: IdempotentProducer
    readonly points: RecordEncoder<MetricPoint>
    readonly ticks: RecordEncoder<Tick>
    readonly seed: number
  }) {
    this.#producer = options.producer
    this.#points = options.points
    this.#ticks = options.ticks
    this.#random = randomFrom(options.seed)
    this.#poisonRandom = randomFrom(options.seed + 1)
  }

  static async open(options: {
    readonly cluster: KafkaCluster
    readonly connection: RegistryConnection
    readonly seed: number
  }): Promise<Input> {
    const { cluster, connection, seed } = options
    const deliveryTimeoutMs = Number.POSITIVE_INFINITY // I1
    const producer = new IdempotentProducer({ cluster, name: 'chaos', deliveryTimeoutMs })
    await producer.prepare([telemetryMetrics.name, controlTicks.name])
    const points = await topicEncoder(telemetryMetrics, connection)
    const ticks = await topicEncoder(controlTicks, connection)
    return new Input({ producer, points, ticks, seed })
  }

  /** Two seconds of event time; resolves when they are acknowledged. */
  async sendRound(): Promise<void> {
    const startMs = START_MS + this.#round * ROUND_MS
    for (let series = 0; series < SERIES; series++) {
      if (isQuiet(series) && (series + this.#round) % QUIET_ROUNDS !== 0) continue
      await this.#sendPoint(series, startMs + this.#random(ROUND_MS))
    }
    if (startMs > START_MS + LATE_MS) {
      const noisy = 3 * this.#random(SERIES / 3)
      await this.#sendPoint(noisy, startMs - (this.#round % 2 === 0 ? BACK_MS : LATE_MS))
    }
    const all = this.#poisons()
    const poison = all[this.#round % all.length]
    if (poison !== undefined && poison.kind !== 'huge') await this.#sendPoison(poison)
    await this.#producer.flush()
    await this.#sendTick(startMs)
    this.#round += 1
  }

  /** One of each kind at once, and a record that is large but good. */
  async sendPoison(): Promise<void> {
    for (const poison of this.#poisons()) await this.#sendPoison(poison)
  }

  /** Asks for a schema that nobody knows: whoever takes it needs the registry. */
  async sendUnknownSchema(): Promise<void> {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const poison = this.#poisons().find(({ kind }) => kind === 'unknown-schema')
      if (poison !== undefined) await this.#sendPoison(poison, partition)
    }
  }

  /** A tick that closes every window; no round may follow. */
  async finish(): Promise<void> {
    this.expected.finish()
    await this.#sendTick(START_MS + this.#round * ROUND_MS + END_MS)
    await this.#producer.close()
  }

  async abandon(): Promise<void> {
    await this.#producer.close({ timeoutMs: 0 }).catch(() => undefined)
  }

  async #sendPoint(series: number, timestamp: number): Promise<void> {
    const host = `h${series}`
    const value = this.#random(VALUES)
    const unit = this.#random(5_000) === 0 ? 'x'.repeat(LARGE_UNIT_CHARS) : null
    const point = { ...this.#good(), timestamp, value, labels: { host }, unit }
    const key = Buffer.from(telemetryMetrics.keyOf(point))
    const home = homeOf(key)
    const wrong = (home + 1) % PARTITIONS
    this.expected.point(host, timestamp, value)
    await this.#send({ ...placeOf(series, { key, home, wrong }), value: this.#encode(point) })
  }

  #good(): MetricPoint {
    const base = {
      timestamp: START_MS + this.#round * ROUND_MS,
      value: 1,
      unit: null,
      kind: 'unspecified' as const,
    }
    return { ...base, tenant: TENANT, name: 'load', labels: { host: 'poison' } }
  }

  #encode(point: MetricPoint): Buffer {
    return Buffer.from(this.#points.encode(point))
  }

  #poisons(): readonly Poison[] {
    const tick = { timestamp: START_MS, tenant: TENANT, origin: 'chaos' }
    const sources = {
      encode: (point: MetricPoint) => this.#encode(point),
      keyOf: (point: MetricPoint) => telemetryMetrics.keyOf(point),
      foreign: Buffer.from(this.#ticks.encode(tick)),
      good: this.#good(),
    }
    return poisons(sources, this.poison)
  }

  async #sendPoison(
    { kind, key, value, reason, inSink }: Poison,
    // One with a right key stands where it belongs: by two ways it could come late.
    partition = key === undefined ? this.#poisonRandom(PARTITIONS) : homeOf(Buffer.from(key)),
  ): Promise<void> {
    const id = `${kind}/${this.poison}`
    this.poison += 1
    this.expected.letters.set(id, reason)
    if (inSink !== 'row') this.sinkLetters.set(id, inSink)
    const headers = [{ key: POISON_HEADER, value: Buffer.from(id) }]
    await this.#send({ key: Buffer.from(key ?? id), partition, value, headers })
  }

  async #send(record: {
    readonly key: Buffer
    readonly partition: number
    readonly value: Buffer | null
    readonly headers?: readonly { readonly key: string; readonly value: Buffer }[]
  }): Promise<void> {
    await this.#producer.room()
    this.records += 1
    // A failure is said by `flush`.
    this.#producer.append({ topic: telemetryMetrics.name, ...record }).catch(() => undefined)
  }

  async #sendTick(timestamp: number): Promise<void> {
    const value = Buffer.from(this.#ticks.encode({ timestamp, tenant: TENANT, origin: 'chaos' }))
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const record = { topic: controlTicks.name, partition, key: Buffer.from(TENANT), value }
      this.#producer.append(record).catch(() => undefined)
    }
    await this.#producer.flush()
  }
}

const homeOf = (key: Buffer): number => toPartition(murmur2(key), PARTITIONS)

/** Most series are where they belong; others come as other clients key and place. */
const placeOf = (
  series: number,
  { key, home, wrong }: { readonly key: Buffer; readonly home: number; readonly wrong: number },
): { readonly key: Buffer; readonly partition: number } => {
  if (series % 5 === 0) return { key: Buffer.from(`mine/${series}`), partition: wrong }
  if (series % 7 === 0) return { key, partition: wrong }
  return { key, partition: home }
}
