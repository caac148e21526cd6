/**
 * What a door is given: who sends, and the way into Kafka. A door speaks one protocol: it decodes,
 * checks and maps a request to records of ours, appends them, waits, and answers in the protocol's
 * own words. It knows neither keys nor producers.
 *
 * Each route says what it asks of a sender: `config: { access: { writes: 'metrics' } }`
 * (services/shared/identity/principal.ts). The gateway does not start with one that does not.
 *
 * A door throws `Problem` (or lets pass what its ports throw) and gets problem+json; one whose
 * protocol has its own form of errors sets an error handler in its scope.
 */
import type { FastifyInstance } from 'fastify'
import type { Alert } from '../../schemas/generated/telemetry-alerts.ts'
import type { DeploymentEvent } from '../../schemas/generated/telemetry-deployments.ts'
import type { LogEntry } from '../../schemas/generated/telemetry-logs.ts'
import type { MetricPoint } from '../../schemas/generated/telemetry-metrics.ts'
import type { Span } from '../../schemas/generated/telemetry-spans.ts'
import type { OutgoingRecord } from '../shared/publisher.ts'
import type { TopicRecords } from '../telemetry/topic-records.ts'
import type { BodyOptions } from './bodies.ts'
import type { WebhookSecrets } from './webhooks/webhook-secrets.ts'

/** Who sends, decided before a door sees the request. What is written belongs to `tenant`, whatever the request says. */
export interface Sender {
  readonly tenant: string
  /** Unique among all that send: a key, a user, `anonymous`. What it has on its way counts under it. */
  readonly id: string
}

declare module 'fastify' {
  interface FastifyRequest {
    readonly sender: Sender
  }
}

/** The HTTP side of a door: a scope of its own within the gateway. */
export type DoorScope = FastifyInstance

/** One protocol. Called once, with a scope whose hooks, parsers and error handler are its own. */
export type Door = (scope: DoorScope, ports: DoorPorts) => void | Promise<void>

export interface DoorPorts {
  /**
   * Makes the body of all requests of the scope a Buffer: decompressed, within its limits; `bodyOf`
   * gives it. To be called once, first. Answers how many bytes one may have.
   */
  readonly readBodies: (options: BodyOptions) => number
  readonly intake: Intake
  readonly ledger: Ledger
  readonly records: GatewayRecords
  /** What signed webhooks are checked against. */
  readonly webhookSecrets: WebhookSecrets
  readonly count: DoorCounts
  /**
   * Whether a series may come in: to be asked before it is remembered, with `hashOfSeries` of its key
   * or any other hash of 32 bits. False is counted, and the point is to be refused (429 or partial
   * success in the words of the protocol).
   */
  readonly admitSeries: (tenant: string, seriesHash: number) => boolean
  readonly nowMs: () => number
}

/** Values as records, with key and partition. `borrow` copies nothing: `append` does. */
export interface GatewayRecords {
  readonly metrics: TopicRecords<MetricPoint>
  readonly logs: TopicRecords<LogEntry>
  readonly spans: TopicRecords<Span>
  readonly deployments: TopicRecords<DeploymentEvent>
  readonly alerts: TopicRecords<Alert>
}

/** What a door tells the metrics; requests and their answers are counted by themselves. */
export interface DoorCounts {
  accepted(records: number): void
  /** `reason` comes from a closed list of the door. */
  refused(reason: string, records?: number): void
}

/** The way into Kafka, with a bound. */
export interface Intake {
  /**
   * Asks for room for one request of about so many bytes. What is appended counts, not this.
   *
   * @throws Problem `sender-over-share` (429) or `kafka-behind` (503) with `retryAfterSeconds`, at
   *   once: nothing of the request has been taken, and the sender may come again
   */
  open(sender: Sender, sizeBytes: number): IntakeBatch
}

export interface IntakeBatch {
  /**
   * Copies the key and value: their buffers may be used again at once.
   *
   * @throws KafkaError RECORD_TOO_LARGE, for this record alone; Problem `request-expands` (413) when
   *   the request has already made more than any may: what was appended before is on its way
   */
  append(record: OutgoingRecord): void
  /**
   * Resolves when Kafka has acknowledged everything that was appended. May be called again.
   *
   * @throws Problem `not-acknowledged` (503) when that is not known in time: the records are on
   *   their way all the same; `kafka-refused` (503) when Kafka refuses some of it for good
   */
  acknowledged(): Promise<void>
  /** The same without a limit of time; rejects when Kafka refuses some of it for good. */
  readonly settled: Promise<void>
}

/** Which request it is, by the word of the sender or by its content: the same again is a retry. */
export interface RequestIdentity {
  readonly sender: Sender
  /** Name of the door: each has its own identities. */
  readonly door: string
  readonly id: string
  /** Hash of the content, where `id` does not come from it: another content under the same id is refused. */
  readonly content?: string
}

export interface Taken<Answer> {
  readonly batch: IntakeBatch
  readonly answer: Answer
}

/**
 * Recent requests and records: a retry makes no second copy. What was refused, or thrown on the
 * way, is not remembered.
 */
export interface Ledger {
  /**
   * Takes a request that is not known; one that is joins the first, or gets its answer. Resolves
   * when Kafka has acknowledged everything, throws as `IntakeBatch.acknowledged`.
   *
   * `take` is synchronous: between the question and the answer nobody else gets in. An answer is
   * kept: let it be small.
   *
   * @throws Problem `identity-reused` (422)
   */
  once<Answer>(identity: RequestIdentity, take: () => Taken<Answer>): Promise<Answer>
  /**
   * Appends those records whose id is not known, and resolves with their number when Kafka has
   * acknowledged all of them, those that came earlier too. For topics whose records have an id of their own: deployments
   * and alerts, whose recent ids are known from the start.
   */
  appendNew(batch: IntakeBatch, records: Iterable<IdentifiedRecord>): Promise<number>
}

export interface IdentifiedRecord {
  /** Unique among all tenants, as the field `id` of these topics is. */
  readonly id: string
  /** Made only when it is needed. */
  readonly record: () => OutgoingRecord
}
