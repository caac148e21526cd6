/**
 * One revision of an anomaly as a webhook message, signed after the Standard Webhooks specification
 * (standardwebhooks.com), for which receivers find libraries in every language:
 *
 *   webhook-id         names the message; a repeated one carries the same
 *   webhook-timestamp  seconds since 1970, so that a receiver may refuse old recordings
 *   webhook-signature  v1,base64(HMAC-SHA256(secret, "id.timestamp.body"))
 *
 * The id stands in `idempotency-key` as well.
 */
import { createHmac } from 'node:crypto'
import type { Anomaly } from '../../schemas/generated/signals-anomalies.ts'

export interface WebhookMessage {
  /** Unique per revision, the same whenever it is sent again. */
  readonly key: string
  readonly body: string
}

export const toMessage = (anomaly: Anomaly): WebhookMessage => ({
  key: `${anomaly.id}-${anomaly.revision}`,
  body: JSON.stringify({ type: 'millrace.anomaly', version: 1, anomaly: toJson(anomaly) }),
})

/** Named as in answers of the query API. */
const toJson = (anomaly: Anomaly) => ({
  id: anomaly.id,
  revision: anomaly.revision,
  phase: anomaly.phase,
  state: anomaly.phase === 'closed' ? 'closed' : 'open',
  tenant: anomaly.tenant,
  series: anomaly.series,
  name: anomaly.name,
  labels: anomaly.labels,
  service: anomaly.service,
  kind: anomaly.kind,
  severity: anomaly.severity,
  message: anomaly.message,
  timestamp: isoOf(anomaly.timestamp),
  start: isoOf(anomaly.start),
  peak: isoOf(anomaly.peak),
  end: anomaly.end === null ? null : isoOf(anomaly.end),
  value: anomaly.value,
  peak_value: anomaly.peakValue,
  expected: anomaly.expected,
  lower: anomaly.lower,
  upper: anomaly.upper,
  score: anomaly.score,
  detector: anomaly.detector,
  detector_version: anomaly.detectorVersion,
  config_version: anomaly.configVersion,
  config_hash: anomaly.configHash,
  evidence: anomaly.evidence,
})

const isoOf = (ms: number): string => new Date(ms).toISOString()

export interface SigningOptions {
  readonly secret: string | undefined
  readonly nowMs: number
}

export const headersOf = (
  { key, body }: WebhookMessage,
  { secret, nowMs }: SigningOptions,
): Record<string, string> => {
  const seconds = String(Math.floor(nowMs / 1000))
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'millrace-webhook',
    'idempotency-key': key,
    'webhook-id': key,
    'webhook-timestamp': seconds,
  }
  if (secret === undefined) return headers
  const hmac = createHmac('sha256', signingKeyOf(secret)).update(`${key}.${seconds}.${body}`)
  return { ...headers, 'webhook-signature': `v1,${hmac.digest('base64')}` }
}

const encodedPrefix = 'whsec_'

/** The specification's own form of a secret is base64 behind a prefix; any other is taken as text. */
const signingKeyOf = (secret: string): Buffer =>
  secret.startsWith(encodedPrefix)
    ? Buffer.from(secret.slice(encodedPrefix.length), 'base64')
    : Buffer.from(secret, 'utf8')
