/**
 * Answers of OTLP/HTTP, in the encoding of the request. https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
 *
 * Nothing to say is an empty message: no bytes in protobuf, `{}` in JSON.
 */
import type { OtlpEncoding } from '../../../../pipelines/intake/otlp/decode.ts'
import type { OtlpSignal } from '../../../../pipelines/intake/otlp/index.ts'
import type { Rejection, RejectionReason } from '../../../../pipelines/intake/otlp/rejections.ts'
import { google, opentelemetry } from '../../../../schemas/generated/otlp.js'
import { otlpWriter } from '../../../../schemas/otlp/wire.ts'

export const MEDIA_TYPES: Readonly<Record<OtlpEncoding, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
}

/** Small: the ledger keeps it for retries. */
export interface Answer {
  readonly rejected: number
  /** Empty when nothing was refused. */
  readonly message: string
}

const SHOWN_REASONS = 3
const SHOWN_CHARACTERS = 300

export const answerTo = (rejected: readonly Rejection[]): Answer => {
  if (rejected.length === 0) return { rejected: 0, message: '' }
  const counts = countsOf(rejected)
  const told = [...counts].slice(0, SHOWN_REASONS).map(([reason, count]) => {
    const first = rejected.find((rejection) => rejection.reason === reason)
    return `${reason} (${String(count)}; the first: ${(first?.detail ?? '').slice(0, SHOWN_CHARACTERS)})`
  })
  const more = counts.size > SHOWN_REASONS ? '; and other reasons' : ''
  const message = `${String(rejected.length)} were refused, the others are kept: ${told.join('; ')}${more}`
  return { rejected: rejected.length, message }
}

export const countsOf = (rejected: readonly Rejection[]): ReadonlyMap<RejectionReason, number> => {
  const counts = new Map<RejectionReason, number>()
  for (const { reason } of rejected) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return counts
}

/** The field that counts what was refused, by signal. */
const COUNTS = {
  traces: 'rejectedSpans',
  metrics: 'rejectedDataPoints',
  logs: 'rejectedLogRecords',
} as const satisfies Record<OtlpSignal, string>

const { trace, metrics, logs } = opentelemetry.proto.collector

export const encodeAnswer = (
  signal: OtlpSignal,
  { rejected, message }: Answer,
  encoding: OtlpEncoding,
): Buffer => {
  if (encoding === 'json') {
    if (rejected === 0) return Buffer.from('{}')
    const partialSuccess = { [COUNTS[signal]]: String(rejected), errorMessage: message }
    return Buffer.from(JSON.stringify({ partialSuccess }))
  }
  if (rejected === 0) return Buffer.alloc(0)
  const count = BigInt(rejected)
  const writer = otlpWriter()
  switch (signal) {
    case 'traces': {
      const partialSuccess = { rejectedSpans: count, errorMessage: message }
      trace.v1.ExportTraceServiceResponse.encode({ partialSuccess }, writer)
      break
    }
    case 'metrics': {
      const partialSuccess = { rejectedDataPoints: count, errorMessage: message }
      metrics.v1.ExportMetricsServiceResponse.encode({ partialSuccess }, writer)
      break
    }
    case 'logs': {
      const partialSuccess = { rejectedLogRecords: count, errorMessage: message }
      logs.v1.ExportLogsServiceResponse.encode({ partialSuccess }, writer)
      break
    }
  }
  return Buffer.from(writer.finish())
}

/** google.rpc.Code, by the status of HTTP. */
const CODES: Readonly<Record<number, number>> = {
  400: 3, // INVALID_ARGUMENT
  401: 16, // UNAUTHENTICATED
  403: 7, // PERMISSION_DENIED
  404: 5, // NOT_FOUND
  408: 4, // DEADLINE_EXCEEDED
  413: 3,
  415: 3,
  429: 8, // RESOURCE_EXHAUSTED
  503: 14, // UNAVAILABLE
}
const UNKNOWN = 2
const INTERNAL = 13

export const encodeError = (
  httpStatus: number,
  message: string,
  encoding: OtlpEncoding,
): Buffer => {
  const status = { code: CODES[httpStatus] ?? (httpStatus >= 500 ? INTERNAL : UNKNOWN), message }
  if (encoding === 'json') return Buffer.from(JSON.stringify(status))
  return Buffer.from(google.rpc.Status.encode(status, otlpWriter()).finish())
}
