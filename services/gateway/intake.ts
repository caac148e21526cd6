/**
 * The way into Kafka: bounded, shared between senders, and never forgetting what it took.
 *
 * N1: what is appended counts until Kafka has acknowledged it, also when the request that brought
 *     it has given up waiting or its door has thrown. So nothing leaks, and nothing is counted that
 *     no memory holds.
 * N2: the bound is asked for before a request is decoded into records (`open`). Doors append within
 *     the same turn of the event loop, so at most one request goes beyond it, and that by at most
 *     what one request may make.
 * N3: the producer never gives a batch up: a request that answered 503 may still arrive, and its
 *     retry joins it by way of the ledger.
 * N4: when nothing has been acknowledged for as long as a request waits, nobody is let in: what
 *     they brought would be sent again by everybody who has no identity, and fill the memory with copies.
 * N5: what Kafka refuses for good (not authorised, larger than the topic takes) is nothing that the
 *     sender can mend: it hears 503, and whoever runs the gateway hears why.
 */
import { strict as assert } from 'node:assert'
import type { IdempotentProducer } from '../../pipelines/runtime/kafka/index.ts'
import type { Problem } from '../shared/problem.ts'
import type { OutgoingRecord } from '../shared/publisher.ts'
import { DrainRate } from './drain-rate.ts'
import type { Intake, IntakeBatch, Sender } from './ports.ts'
import { gatewayProblem } from './problem.ts'

export interface IntakeLimits {
  /** Not yet acknowledged, of all senders. */
  readonly pendingBytes: number
  /** The same of one sender. */
  readonly senderBytes: number
  /** What one request may make. */
  readonly requestBytes: number
  /** How long a request waits for its acknowledgement. */
  readonly waitMs: number
}

export interface IntakeOptions {
  readonly producer: Pick<IdempotentProducer, 'append'>
  readonly limits: IntakeLimits
  readonly nowMs: () => number
  /** In [0, 1): spreads those who come again. */
  readonly random: () => number
  /** What goes ahead of the records of a tenant, if anything. */
  readonly wordOf: (tenant: string) => OutgoingRecord | undefined
  readonly onAcknowledged?: (afterMs: number) => void
  /** For each request of which Kafka refused something for good (N5). */
  readonly onRefused?: (error: unknown) => void
}

/** Length fields, offsets and the place in a batch, roughly. */
const RECORD_OVERHEAD_BYTES = 20
const LONGEST_RETRY_SECONDS = 30

type Delivery = ReturnType<IdempotentProducer['append']>

/** Bytes of one sender that are on their way. */
interface Share {
  bytes: number
}

export class KafkaIntake implements Intake {
  readonly limits: IntakeLimits
  readonly #options: IntakeOptions
  readonly #shares = new Map<string, Share>()
  readonly #drain = new DrainRate()
  #pendingBytes = 0
  /** When Kafka last acknowledged something, or had nothing to acknowledge. */
  #aliveMs: number

  constructor(options: IntakeOptions) {
    this.#options = options
    this.limits = options.limits
    this.#aliveMs = options.nowMs()
  }

  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** `true`, or why not: what /readyz says. */
  ready(): true | string {
    const silentMs = this.#silentMs()
    if (silentMs <= this.limits.waitMs) return true
    return `Kafka has not acknowledged anything for ${seconds(silentMs)} s, and ${String(this.#pendingBytes)} bytes wait`
  }

  open(sender: Sender, sizeBytes: number): IntakeBatch {
    const { pendingBytes, senderBytes } = this.limits
    const silentMs = this.#silentMs()
    if (silentMs > this.limits.waitMs) {
      throw this.#refusal('kafka-behind', {
        detail: `Kafka has not acknowledged anything for ${seconds(silentMs)} s; come again later`,
        excessBytes: this.#pendingBytes,
      })
    }
    // Who is alone may be larger than the bound, or it could never come in.
    if (this.#pendingBytes > 0 && this.#pendingBytes + sizeBytes > pendingBytes) {
      throw this.#refusal('kafka-behind', {
        detail: `${String(this.#pendingBytes)} bytes wait for Kafka, at most ${String(pendingBytes)} may; come again later`,
        excessBytes: this.#pendingBytes + sizeBytes - pendingBytes,
      })
    }
    const key = `${sender.tenant}\u001f${sender.id}`
    const own = this.#shares.get(key)?.bytes ?? 0
    if (own > 0 && own + sizeBytes > senderBytes) {
      throw this.#refusal('sender-over-share', {
        detail: `${String(own)} bytes of this sender wait for Kafka, at most ${String(senderBytes)} may; come again later`,
        excessBytes: own + sizeBytes - senderBytes,
      })
    }
    const batch = new PendingBatch(this, key)
    const word = this.#options.wordOf(sender.tenant)
    if (word !== undefined) batch.append(word)
    return batch
  }

  /** For PendingBatch. */
  append(record: OutgoingRecord): Delivery {
    return this.#options.producer.append(record)
  }

  take(key: string, bytes: number): void {
    if (this.#pendingBytes === 0) this.#aliveMs = this.#options.nowMs()
    this.#pendingBytes += bytes
    let share = this.#shares.get(key)
    if (share === undefined) {
      share = { bytes: 0 }
      this.#shares.set(key, share)
    }
    share.bytes += bytes
  }

  giveBack(key: string, bytes: number, acknowledged: boolean): void {
    const nowMs = this.#options.nowMs()
    this.#pendingBytes -= bytes
    const share = this.#shares.get(key)
    assert(share !== undefined && share.bytes >= bytes, 'N1: gives back what was taken')
    share.bytes -= bytes
    if (share.bytes === 0) this.#shares.delete(key)
    if (!acknowledged) return
    this.#aliveMs = nowMs
    this.#drain.add(bytes, nowMs)
  }

  notInTime(): Problem {
    return this.#refusal('not-acknowledged', {
      detail: `Kafka has not acknowledged all of it within ${seconds(this.limits.waitMs)} s; it is still being sent`,
      excessBytes: this.#pendingBytes,
    })
  }

  /** N5 */
  refusedForGood(cause: unknown): Problem {
    this.#options.onRefused?.(cause)
    return gatewayProblem(
      'kafka-refused',
      'Kafka refuses records of this request; come again later',
      {
        cause,
        retryAfterSeconds: LONGEST_RETRY_SECONDS,
      },
    )
  }

  nowMs(): number {
    return this.#options.nowMs()
  }

  onAcknowledged(afterMs: number): void {
    this.#options.onAcknowledged?.(afterMs)
  }

  #silentMs(): number {
    return this.#pendingBytes === 0 ? 0 : this.#options.nowMs() - this.#aliveMs
  }

  /** Retry-After: until so much has drained at the present rate, 1 to 30 s, not all at the same time. */
  #refusal(
    code: 'kafka-behind' | 'sender-over-share' | 'not-acknowledged',
    { detail, excessBytes }: { readonly detail: string; readonly excessBytes: number },
  ): Problem {
    const rate = this.#drain.bytesPerSecond(this.#options.nowMs())
    const drained = rate > 0 ? excessBytes / rate : LONGEST_RETRY_SECONDS
    const spread = 1 + this.#options.random()
    const retryAfterSeconds = Math.max(
      1,
      Math.min(LONGEST_RETRY_SECONDS, Math.ceil(drained * spread)),
    )
    return gatewayProblem(code, detail, { retryAfterSeconds })
  }
}

const seconds = (ms: number): string => String(Math.round(ms / 1000))

/** What one request appended. */
class PendingBatch implements IntakeBatch {
  readonly #intake: KafkaIntake
  readonly #key: string
  /** One delivery for each batch of the producer that holds some of it, with its bytes here. */
  readonly #deliveries = new Map<Delivery, number>()
  readonly #openedMs: number
  #bytes = 0
  #failure: Problem | undefined
  #settled: PromiseWithResolvers<void> | undefined

  constructor(intake: KafkaIntake, key: string) {
    this.#intake = intake
    this.#key = key
    this.#openedMs = intake.nowMs()
  }

  append(record: OutgoingRecord): void {
    const bytes = record.key.length + record.value.length + RECORD_OVERHEAD_BYTES
    const { requestBytes } = this.#intake.limits
    if (this.#bytes + bytes > requestBytes) {
      const most = `${String(requestBytes)} bytes of records for one request`
      throw gatewayProblem('request-expands', `the request makes more than ${most}`, {
        at: { field: 'body', value: null, limit: `at most ${most}` },
      })
    }
    const delivery = this.#intake.append(record)
    this.#bytes += bytes
    this.#intake.take(this.#key, bytes)
    const before = this.#deliveries.get(delivery)
    this.#deliveries.set(delivery, (before ?? 0) + bytes)
    if (before !== undefined) return
    delivery.then(
      () => {
        this.#onSettled(delivery, true)
      },
      (error: unknown) => {
        this.#failure ??= this.#intake.refusedForGood(error)
        this.#onSettled(delivery, false)
      },
    )
  }

  get settled(): Promise<void> {
    if (this.#settled === undefined) {
      this.#settled = Promise.withResolvers()
      // Who asks handles it; a failure that nobody waits for any more is no crash.
      this.#settled.promise.catch(() => undefined)
      if (this.#deliveries.size === 0) this.#settle(this.#settled)
    }
    return this.#settled.promise
  }

  async acknowledged(): Promise<void> {
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      late.reject(this.#intake.notInTime())
    }, this.#intake.limits.waitMs)
    try {
      await Promise.race([this.settled, late.promise])
    } finally {
      clearTimeout(timer)
    }
  }

  #onSettled(delivery: Delivery, acknowledged: boolean): void {
    const bytes = this.#deliveries.get(delivery)!
    this.#deliveries.delete(delivery)
    this.#intake.giveBack(this.#key, bytes, acknowledged)
    if (this.#deliveries.size > 0) return
    if (acknowledged) this.#intake.onAcknowledged(this.#intake.nowMs() - this.#openedMs)
    if (this.#settled !== undefined) this.#settle(this.#settled)
  }

  #settle({ resolve, reject }: PromiseWithResolvers<void>): void {
    if (this.#failure === undefined) resolve()
    else reject(this.#failure)
  }
}
