/** What the HTTP side needs from the world; tests and `main` bring it. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { Identity } from '../shared/identity/identity.ts'
import type { RateLimits } from '../shared/limits/rate-limits.ts'
import type { Metrics } from '../shared/metrics.ts'
import type { Listeners } from '../shared/tls.ts'
import type { ReadinessCheck } from './readiness.ts'
import type { Storage } from './queries/storage.ts'

export type ApiInstance = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

export interface ApiPorts {
  readonly listeners: Pick<Listeners, 'create'>
  readonly identity: Identity
  readonly rates: RateLimits
  readonly storage: Storage
  readonly readiness: ReadinessCheck
  readonly metrics: Metrics
  readonly logger: FastifyBaseLogger
  readonly consumerLag: () => Promise<readonly ConsumerLag[]>
  readonly nowMs: () => number
  /** Of the local stack, where commands have to be told of it. */
  readonly dataFolder?: string
}

/** Records that a pipeline or the sink has still to read. */
export interface ConsumerLag {
  readonly consumer: string
  /** Null: all its inputs together. */
  readonly topic: string | null
  readonly records: number
}
