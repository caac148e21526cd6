/** What the metrics say of the doors, the bodies and the way into Kafka. */
import { LATENCY_BUCKETS_SECONDS, type Metrics } from '../shared/metrics.ts'
import type { BodyReader } from './bodies.ts'
import type { KafkaIntake } from './intake.ts'
import type { RecentLedger } from './ledger.ts'
import type { DoorCounts, DoorScope } from './ports.ts'

export interface GatewayMetrics {
  /** Counts the requests of a scope, and what its door tells. */
  readonly door: (name: string, scope: DoorScope) => DoorCounts
}

export interface Measured {
  readonly bodies: BodyReader
  readonly intake: KafkaIntake
  readonly ledger: RecentLedger
}

export const gatewayMetrics = (
  metrics: Metrics,
  { bodies, intake, ledger }: Measured,
): GatewayMetrics => {
  const requests = metrics.histogram({
    name: 'gateway_request_duration_seconds',
    help: 'Time from the first byte of a request to the last of its answer.',
    labels: ['door', 'status'],
    buckets: LATENCY_BUCKETS_SECONDS,
  })
  const accepted = metrics.counter({
    name: 'gateway_records_accepted_total',
    help: 'Records that Kafka has acknowledged.',
    labels: ['door'],
  })
  const refused = metrics.counter({
    name: 'gateway_records_refused_total',
    help: 'Records that were not taken, by reason.',
    labels: ['door', 'reason'],
  })
  metrics.gauge({
    name: 'gateway_pending_bytes',
    help: 'Bytes that Kafka has not acknowledged yet.',
    collect: (gauge) => {
      gauge.set(intake.pendingBytes)
    },
  })
  metrics.gauge({
    name: 'gateway_body_bytes',
    help: 'Bytes of bodies whose requests have not been answered.',
    collect: (gauge) => {
      gauge.set(bodies.heldBytes)
    },
  })
  metrics.gauge({
    name: 'gateway_remembered_count',
    help: 'Requests and ids of records that a retry would join.',
    labels: ['kind'],
    collect: (gauge) => {
      gauge.set({ kind: 'request' }, ledger.sizes.requests)
      gauge.set({ kind: 'id' }, ledger.sizes.ids)
    },
  })
  return {
    door(door, scope) {
      scope.addHook('onResponse', (_request, reply, done) => {
        requests.observe({ door, status: String(reply.statusCode) }, reply.elapsedTime / 1000)
        done()
      })
      const acceptedHere = accepted.labels({ door })
      return {
        accepted(records) {
          acceptedHere.inc(records)
        },
        refused(reason, records = 1) {
          refused.inc({ door, reason }, records)
        },
      }
    },
  }
}
