/** Where telemetry goes: OTLP/HTTP to a gateway, or OTLP messages to topics of Kafka. */
import { kafkaExporter, type KafkaTarget } from './kafka.ts'
import { otlpExporter, type OtlpTarget } from './otlp-http.ts'
import type { Answer } from './outbox.ts'

export type ExporterSettings =
  ({ readonly kind: 'otlp' } & OtlpTarget) | ({ readonly kind: 'kafka' } & KafkaTarget)

export type Signal = 'traces' | 'logs'

/** OTLP requests in JSON that are all of one signal. */
export interface Letter {
  readonly signal: Signal
  readonly bodies: readonly string[]
}

export interface Exporter {
  /** Never rejects. */
  readonly post: (signal: Signal, body: string) => Promise<Answer>
  /** Whether what is under way may keep the process alive. */
  readonly hold: (signal: Signal, hold: boolean) => void
  /** The process ends now: blocks until they are sent, for so long at most. */
  readonly postNow: (letters: readonly Letter[], limitMs: number) => void
  /** What is under way is answered 'later'. */
  readonly close: () => void
}

export const exporterOf = (settings: ExporterSettings): Exporter =>
  settings.kind === 'otlp' ? otlpExporter(settings) : kafkaExporter(settings)
