/** What a Prometheus has against what the topic has of it. */
import { telemetryMetrics } from '../../../schemas/topics.ts'
import { eventually } from '../../test/eventually.ts'
import type { BrokerSide } from './broker-side.ts'
import { pointsBySample, type StoredSample } from './points-by-sample.ts'
import type { PrometheusProcess } from './prometheus.ts'

export interface SentAndStored {
  /** `key of the series @ time`, with its value. */
  readonly sent: ReadonlyMap<string, number>
  /** Sent, and not stored or with another value. The first ones. */
  readonly missing: readonly string[]
  readonly wrong: readonly string[]
  /** Stored more than once. */
  readonly repeated: readonly (readonly [sample: string, stored: StoredSample])[]
}

export interface Comparison {
  readonly prometheus: PrometheusProcess
  readonly broker: BrokerSide
  readonly tenant: string
  readonly fromMs: number
}

const SHOWN = 5
const ARRIVAL_PATIENCE_MS = 120_000

/** Of everything that Prometheus has scraped up to now, when it has had the time to send it. */
export const sentAndStored = async ({
  prometheus,
  broker,
  tenant,
  fromMs,
}: Comparison): Promise<SentAndStored> => {
  const sent = await prometheus.samples(fromMs, Date.now())
  const stored = await eventually(
    async () => pointsBySample(await broker.values(telemetryMetrics, tenant)),
    (points) => [...sent.keys()].every((sample) => points.has(sample)),
    { timeoutMs: ARRIVAL_PATIENCE_MS, intervalMs: 1_000 },
  )
  const differing = [...sent].filter(([sample, value]) => stored.get(sample)?.value !== value)
  const samples = differing.map(([sample]) => sample)
  return {
    sent,
    missing: samples.filter((sample) => !stored.has(sample)).slice(0, SHOWN),
    wrong: samples.filter((sample) => stored.has(sample)).slice(0, SHOWN),
    repeated: [...stored].filter(([, { count }]) => count > 1),
  }
}
