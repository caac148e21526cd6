/**
 * A producer that never stops, and the question afterwards: is all that was acknowledged there, once, in Kafka, in the roll-ups of
 * a pipeline, and in ClickHouse?
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { signalsRollups, telemetryMetrics } from '../../../schemas/topics.ts'
import { openClickHouse } from '../../../services/shared/clickhouse.ts'
import type { Config } from '../../../services/shared/config.ts'
import { sinkTables } from '../../../services/sink/tables.ts'
import { verifyTopic } from '../../../services/sink/verify.ts'
import { eventually } from '../../test/eventually.ts'
import type { BrokerSide } from './broker-side.ts'

const SERIES = 8
const POINTS_AT_A_TIME = 10
const STEP_MS = 100
const PAUSE_MS = 20
const HISTORY_MS = 12 * 60 * 60_000
const MINUTE_MS = 60_000
const SETTLE_MS = 180_000

export class AcknowledgedPoints {
  readonly tenant = 'drill'
  readonly #broker: BrokerSide
  readonly #firstMs = Math.floor((Date.now() - HISTORY_MS) / MINUTE_MS) * MINUTE_MS
  readonly #stop = new AbortController()
  readonly #sending: Promise<void>
  #perSeries = 0

  constructor(broker: BrokerSide) {
    this.#broker = broker
    this.#sending = this.#send()
    this.#sending.catch(() => undefined) // `finish` reports it
  }

  get acknowledged(): number {
    return this.#perSeries * SERIES
  }

  /** Resolves when that many more are acknowledged. */
  async progress(points: number, timeoutMs: number): Promise<void> {
    const wanted = this.acknowledged + points
    const reached = await eventually(
      () => this.acknowledged,
      (acknowledged) => acknowledged >= wanted,
      { timeoutMs },
    )
    expect(reached, 'points acknowledged').toBeGreaterThanOrEqual(wanted)
  }

  /** Sends nothing more. For the end of a test that may have failed anywhere. */
  abort(): void {
    this.#stop.abort()
  }

  /** Ends the stream and lets its clock pass the last window. */
  async finish(): Promise<void> {
    this.#stop.abort()
    await this.#sending
    const endMs = this.#firstMs + this.#perSeries * STEP_MS
    await this.#broker.tick(this.tenant, endMs + 10 * MINUTE_MS)
  }

  async expectAllOnceInKafka(): Promise<void> {
    const points = await this.#broker.values(telemetryMetrics, this.tenant)
    expect(points.length).toBe(this.acknowledged)
    expect(new Set(points.map(({ name, value }) => `${name} ${value}`)).size).toBe(points.length)
  }

  async expectAllOnceInRollups(): Promise<void> {
    const rollups = await eventually(
      () => this.#broker.values(signalsRollups, this.tenant),
      (found) => found.reduce((sum, { count }) => sum + count, 0) >= this.acknowledged,
      { timeoutMs: SETTLE_MS, intervalMs: 1_000 },
    )
    const windows = rollups.map(({ series, windowStart }) => `${series} ${windowStart}`)
    expect(new Set(windows).size, 'windows').toBe(windows.length)
    expect(rollups.reduce((sum, { count }) => sum + count, 0)).toBe(this.acknowledged)
  }

  /** Every topic of the sink, not only ours. */
  async expectAllOnceInClickhouse(config: Config): Promise<void> {
    const client = openClickHouse(config, {
      application: 'millrace-drill',
      requestTimeoutMs: 60_000,
    })
    try {
      for (const table of sinkTables) {
        const { cluster } = this.#broker
        const verdict = await eventually(
          () => verifyTopic({ cluster, client, table }),
          ({ ok }) => ok,
          { timeoutMs: SETTLE_MS, intervalMs: 1_000 },
        )
        expect(verdict).toMatchObject({ topic: table.topic.name, ok: true })
      }
    } finally {
      await client.close()
    }
  }

  async #send(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const from = this.#perSeries
      const points = Array.from({ length: SERIES * POINTS_AT_A_TIME }, (_, i) => {
        const n = from + Math.floor(i / SERIES)
        return {
          timestamp: this.#firstMs + n * STEP_MS,
          tenant: this.tenant,
          name: `drill.${String(i % SERIES)}`,
          labels: {},
          unit: null,
          kind: 'unspecified' as const,
          value: n,
        }
      })
      await this.#broker.sendPoints(points)
      this.#perSeries += POINTS_AT_A_TIME
      await sleep(PAUSE_MS)
    }
  }
}
