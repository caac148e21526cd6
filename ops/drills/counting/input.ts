/**
 * The drill's input, and what must come of it: computed from what was acknowledged, never from what
 * came out.
 */
import { RecordEncoder } from '../../../pipelines/runtime/avro/index.ts'
import { IdempotentProducer, type KafkaCluster } from '../../../pipelines/runtime/kafka/index.ts'
import type { RegistryConnection } from '../../../pipelines/runtime/kafka/registry-http.ts'
import { murmur2, toPartition } from '../../../pipelines/runtime/record/index.ts'
import type { Tick } from '../../../schemas/generated/control-ticks.ts'
import type { MetricPoint } from '../../../schemas/generated/telemetry-metrics.ts'
import { controlTicks } from '../../../schemas/topics.ts'
import { registeredSchemaId } from '../../../services/shared/registry.ts'
import { GRACE_MS, PARTITIONS, RING_SAMPLES, WINDOW_MS, type Counting } from './pipeline.ts'

const SERIES = 18
/** Every third series is keyed and placed as another client might. */
const isForeign = (series: number): boolean => series % 3 === 0
const POINTS_PER_ROUND = 10
const STEP_MS = 1_000
const START_MS = Date.UTC(2026, 0, 1)

export interface Expected {
  /** Series and running count -> `timestamp sum oldest newest`. */
  readonly counts: Map<string, string>
  /** Series and window start -> `count sum`. */
  readonly windows: Map<string, string>
  readonly deadLetters: string[]
  readonly late: string[]
}

interface SeriesModel {
  readonly values: number[]
  sum: number
  clockMs: number
}

export class DrillInput {
  readonly expected: Expected = {
    counts: new Map(),
    windows: new Map(),
    deadLetters: [],
    late: [],
  }
  records = 0
  readonly #tenant: string
  readonly #topic: Counting['input']
  readonly #producer: IdempotentProducer
  readonly #points: RecordEncoder<MetricPoint>
  readonly #ticks: RecordEncoder<Tick>
  readonly #series = new Map<string, SeriesModel>()
  #round = 0

  private constructor(
    { input, pipeline }: Counting,
    options: { producer: IdempotentProducer; pointsId: number; ticksId: number },
  ) {
    this.#tenant = pipeline.name
    this.#topic = input
    this.#producer = options.producer
    this.#points = new RecordEncoder({ schema: input.schema, schemaId: options.pointsId })
    this.#ticks = new RecordEncoder({ schema: controlTicks.schema, schemaId: options.ticksId })
  }

  static async open(
    counting: Counting,
    servers: { readonly cluster: KafkaCluster; readonly connection: RegistryConnection },
  ): Promise<DrillInput> {
    const { cluster, connection } = servers
    const producer = new IdempotentProducer({ cluster, name: counting.pipeline.name })
    await producer.prepare([counting.input.name, controlTicks.name])
    const pointsId = await registeredSchemaId(counting.input, connection)
    const ticksId = await registeredSchemaId(controlTicks, connection)
    return new DrillInput(counting, { producer, pointsId, ticksId })
  }

  /** Ten seconds of every series, one record of each kind of poison, a late one, and a tick. */
  async sendRound(): Promise<void> {
    const startMs = START_MS + this.#round * POINTS_PER_ROUND * STEP_MS
    for (let step = 0; step < POINTS_PER_ROUND; step++) {
      for (let series = 0; series < SERIES; series++) {
        const value = this.#round * POINTS_PER_ROUND + step + series
        this.#sendPoint(series, startMs + step * STEP_MS, value)
      }
    }
    if (this.#round > WINDOW_MS / (POINTS_PER_ROUND * STEP_MS)) {
      this.#sendPoint(1, startMs - WINDOW_MS - GRACE_MS - STEP_MS, 1)
    }
    this.#sendPoison()
    await this.#producer.flush()
    await this.#sendTick(startMs)
    this.#round += 1
  }

  /** A tick that closes every window; no round may follow. */
  async finish(): Promise<void> {
    await this.#sendTick(START_MS + this.#round * POINTS_PER_ROUND * STEP_MS + 10 * WINDOW_MS)
    await this.#producer.close()
  }

  #sendPoint(series: number, timestamp: number, value: number): void {
    const labels = { host: `h${series}` }
    const point = { timestamp, value, tenant: this.#tenant, name: 'load', labels, unit: null }
    const key = Buffer.from(this.#topic.keyOf(point))
    const home = toPartition(murmur2(key), PARTITIONS)
    // One wrong partition per series, so that its records keep their order on the detour.
    const foreign = { key: Buffer.from(`mine/${series}`), partition: (home + 1) % PARTITIONS }
    const placed = isForeign(series) ? foreign : { key, partition: home }
    this.#send({ ...placed, value: this.#points.encode(point) })
    this.#expect(`h${series}`, timestamp, value)
  }

  #expect(host: string, timestamp: number, value: number): void {
    const { counts, windows, late } = this.expected
    const model = this.#series.get(host) ?? { values: [], sum: 0, clockMs: 0 }
    this.#series.set(host, model)
    model.values.push(value)
    model.sum += value
    model.clockMs = Math.max(model.clockMs, timestamp)
    const count = model.values.length
    const oldest = model.values[Math.max(0, count - RING_SAMPLES)] ?? Number.NaN
    counts.set(`${host} ${count}`, `${timestamp} ${model.sum} ${oldest} ${value}`)
    const windowStart = Math.floor(timestamp / WINDOW_MS) * WINDOW_MS
    if (windowStart + WINDOW_MS + GRACE_MS <= model.clockMs) {
      late.push(`${host} ${timestamp}`)
      return
    }
    const [known = 0, sum = 0] = (windows.get(`${host} ${windowStart}`) ?? '0 0')
      .split(' ')
      .map(Number)
    windows.set(`${host} ${windowStart}`, `${known + 1} ${sum + value}`)
  }

  #sendPoison(): void {
    const good = {
      timestamp: START_MS,
      value: 1,
      tenant: this.#tenant,
      name: 'load',
      labels: {},
      unit: null,
    }
    const whole = Buffer.from(this.#points.encode(good))
    const poisons: Record<string, Buffer | null> = {
      text: Buffer.from('{"value": 1}'),
      empty: Buffer.alloc(0),
      absent: null,
      truncated: whole.subarray(0, whole.length - 4),
      unknown: Buffer.concat([Buffer.from([0, 0x7f, 0, 0, 1]), whole.subarray(5)]),
      notFinite: Buffer.from(this.#points.encode({ ...good, value: Number.NaN })),
      nobody: Buffer.from(this.#points.encode({ ...good, tenant: '' })),
    }
    for (const [kind, value] of Object.entries(poisons)) {
      const key = `${kind}/${this.#round}`
      this.#send({ key: Buffer.from(key), partition: this.#round % PARTITIONS, value })
      this.expected.deadLetters.push(key)
    }
  }

  #send(record: { key: Buffer; partition: number; value: Buffer | null }): void {
    const value = record.value && Buffer.from(record.value)
    void this.#producer.append({ topic: this.#topic.name, ...record, value })
    this.records += 1
  }

  async #sendTick(timestamp: number): Promise<void> {
    const value = Buffer.from(
      this.#ticks.encode({ timestamp, tenant: this.#tenant, origin: 'drill' }),
    )
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const key = Buffer.from(this.#tenant)
      void this.#producer.append({ topic: controlTicks.name, partition, key, value })
    }
    await this.#producer.flush()
  }
}
