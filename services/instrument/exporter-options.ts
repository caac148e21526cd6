/** Where to send, as an application says it in code; what it leaves out is as without settings. */
import type { ExporterSettings } from './exporter.ts'
import type { KafkaLogin, KafkaTarget } from './kafka.ts'
import type { OtlpTarget } from './otlp-http.ts'

export const GATEWAY = 'http://127.0.0.1:4318'
export const KAFKA: KafkaTarget = {
  brokers: ['127.0.0.1:9092'],
  clientId: 'millrace-instrument',
  topics: { traces: 'otlp_spans', logs: 'otlp_logs' },
  ssl: false,
  sasl: undefined,
}

export type ExporterOptions =
  | {
      readonly kind: 'otlp'
      /** Without `/v1/traces`. */
      readonly url?: string
      /** A function is asked for each request: keys may change. */
      readonly headers?: OtlpTarget['headers']
    }
  | {
      readonly kind: 'kafka'
      /** `host:port` each. */
      readonly brokers?: readonly string[]
      readonly clientId?: string
      readonly topic?: string
      /** Of lines that go by `logStream()`. */
      readonly logsTopic?: string
      readonly ssl?: boolean | { readonly ca: string }
      readonly sasl?: KafkaLogin
    }

export const otlpTarget = (
  base: string,
  headers: OtlpTarget['headers'],
): Extract<ExporterSettings, { kind: 'otlp' }> => {
  const url = base.replace(/\/+$/, '')
  return { kind: 'otlp', tracesUrl: `${url}/v1/traces`, logsUrl: `${url}/v1/logs`, headers }
}

/** @throws where a URL is none */
export const exporterSettings = (options: ExporterOptions): ExporterSettings => {
  if (options.kind === 'otlp') return otlpTarget(options.url ?? GATEWAY, options.headers ?? {})
  const { topics } = KAFKA
  const { topic = topics.traces, logsTopic = topics.logs, ...given } = options
  return { ...KAFKA, ...given, topics: { traces: topic, logs: logsTopic } }
}
