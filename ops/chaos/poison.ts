/** Records that no pipeline can take, each with what must become of it. */
import type { ReasonCode } from '../../pipelines/runtime/errors.ts'
import type { MetricPoint } from '../../schemas/generated/telemetry-metrics.ts'

/** `row`: the sink keeps it, since what it says fits the table. */
type SinkOutcome = 'row' | ReasonCode | 'does-not-fit'

export interface Poison {
  readonly kind: string
  readonly value: Buffer | null
  /** Canonical, where the record has a right one. */
  readonly key?: string
  readonly reason: ReasonCode
  readonly inSink: SinkOutcome
}

export interface PoisonSources {
  readonly encode: (point: MetricPoint) => Buffer
  readonly keyOf: (point: MetricPoint) => string
  /** A value of another topic, whose schema the registry knows. */
  readonly foreign: Buffer
  readonly good: MetricPoint
}

const HUGE_BYTES = 900_000
const FAR_AHEAD_MS = Date.UTC(2100, 0, 1)
/** Registries count from 1. */
const FIRST_UNKNOWN_ID = 0x70000000

/** One of each kind. `serial` keeps unknown schemas unknown: each asks the registry again. */
export const poisons = (sources: PoisonSources, serial: number): readonly Poison[] => {
  const { encode, keyOf, foreign, good } = sources
  const whole = encode(good)
  const unknown = Buffer.from(whole)
  unknown.writeUInt32BE(FIRST_UNKNOWN_ID + serial, 1)
  const refused = { ...good, labels: { host: 'refused' }, value: -1 }
  return [
    letter('text', Buffer.from('{"value": 1}'), 'not-confluent-avro'),
    letter('empty', Buffer.alloc(0), 'not-confluent-avro'),
    letter('huge', Buffer.alloc(HUGE_BYTES, 'x'), 'not-confluent-avro'),
    letter('absent', null, 'missing-value'),
    letter('truncated', whole.subarray(0, whole.length - 4), 'malformed-value'),
    letter('unknown-schema', unknown, 'unknown-schema'),
    letter('other-schema', foreign, 'malformed-value'),
    letter('no-tenant', encode({ ...good, tenant: '' }), 'invalid-key'),
    kept('not-finite', encode({ ...good, value: Number.NaN }), 'non-finite-value'),
    kept('ahead', encode({ ...good, timestamp: FAR_AHEAD_MS }), 'event-time-ahead'),
    kept('before-1970', encode({ ...good, timestamp: -1 }), 'event-time-before-1970'),
    { ...kept('rejected', encode(refused), 'rejected'), key: keyOf(refused) },
  ]
}

const letter = (kind: string, value: Buffer | null, reason: ReasonCode): Poison => ({
  kind,
  value,
  reason,
  inSink: reason,
})

const kept = (kind: string, value: Buffer, reason: ReasonCode): Poison => ({
  kind,
  value,
  reason,
  inSink: 'row',
})
