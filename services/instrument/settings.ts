/**
 * Settings, from the environment of somebody else's process: the variables of OpenTelemetry where it
 * has them, so that who sends telemetry already changes an address at most.
 *
 * A wrong one never stops the process: it is named, and the default holds.
 */
import { readFileSync } from 'node:fs'
import type { ExporterSettings } from './exporter.ts'
import { GATEWAY, KAFKA, otlpTarget } from './exporter-options.ts'
import type { KafkaLogin } from './kafka.ts'

export interface Settings {
  readonly enabled: boolean
  /** Attributes of all services of this process. */
  readonly resource: Readonly<Record<string, string>>
  readonly exporter: ExporterSettings
  /** Of traces that begin here; what came with a decision keeps it. */
  readonly sampledShare: number
  /** Name of the answer's header that carries the trace id. */
  readonly traceHeader: string | undefined
  readonly unfinishedAfterMs: number
  readonly maxQueueItems: number
  readonly delayMs: number
  /** What was wrong and is not followed. */
  readonly problems: readonly string[]
}

export type Environment = Readonly<Record<string, string | undefined>>

const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const BROKERS = /^[^\s:,]+:\d{1,5}(,[^\s:,]+:\d{1,5})*$/
const TOPIC = /^[A-Za-z0-9._-]{1,249}$/
const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const

export const settingsFrom = (environment: Environment): Settings => {
  const problems: string[] = []
  const read = (name: string): string | undefined => {
    const value = environment[name]?.trim()
    return value === undefined || value === '' ? undefined : value
  }
  const number = (name: string, range: NumberRange): number => {
    const value = read(name)
    if (value === undefined) return range.otherwise
    const parsed = Number(value)
    if (parsed >= range.from && parsed <= range.to) return parsed
    problems.push(`${name} is "${value}" but must be a number from ${range.from} to ${range.to}`)
    return range.otherwise
  }
  const url = (name: string, otherwise: string): string => {
    const value = read(name)
    if (value === undefined) return otherwise
    if (/^https?:\/\/[^\s/]+/.test(value) && URL.canParse(value)) return value.replace(/\/+$/, '')
    problems.push(`${name} is no URL like ${GATEWAY}`)
    return otherwise
  }
  const pairs = (name: string): Readonly<Record<string, string>> => {
    const { known, wrong } = pairsOf(read(name) ?? '')
    // Not shown: a header may be a secret.
    if (wrong > 0) problems.push(`${name} has ${wrong} entries that are not name=value`)
    return known
  }

  const otlp = (): ExporterSettings => {
    const target = otlpTarget(
      url('OTEL_EXPORTER_OTLP_ENDPOINT', GATEWAY),
      pairs('OTEL_EXPORTER_OTLP_HEADERS'),
    )
    return {
      ...target,
      tracesUrl: url('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', target.tracesUrl),
      logsUrl: url('OTEL_EXPORTER_OTLP_LOGS_ENDPOINT', target.logsUrl),
    }
  }
  const exporter = read('MILLRACE_EXPORTER') ?? 'otlp'
  if (exporter !== 'otlp' && exporter !== 'kafka') {
    problems.push('MILLRACE_EXPORTER is neither otlp nor kafka')
  }
  const attributes = pairs('OTEL_RESOURCE_ATTRIBUTES')
  const name = read('OTEL_SERVICE_NAME') ?? attributes['service.name'] ?? read('npm_package_name')
  const traceHeader = read('MILLRACE_TRACE_HEADER') ?? 'x-trace-id'
  if (!HEADER_NAME.test(traceHeader)) problems.push('MILLRACE_TRACE_HEADER is no name of a header')
  return {
    enabled: read('OTEL_SDK_DISABLED')?.toLowerCase() !== 'true',
    resource: { ...attributes, 'service.name': name ?? 'unknown_service:node' },
    exporter: exporter === 'kafka' ? kafkaFrom(read, problems) : otlp(),
    sampledShare: shareOf(
      read('OTEL_TRACES_SAMPLER'),
      number('OTEL_TRACES_SAMPLER_ARG', { from: 0, to: 1, otherwise: 1 }),
      problems,
    ),
    traceHeader: traceHeader !== 'none' && HEADER_NAME.test(traceHeader) ? traceHeader : undefined,
    unfinishedAfterMs:
      1_000 * number('MILLRACE_UNFINISHED_SECONDS', { from: 1, to: 86_400, otherwise: 10 }),
    maxQueueItems: number('OTEL_BSP_MAX_QUEUE_SIZE', { from: 1, to: 100_000, otherwise: 4_096 }),
    delayMs: number('OTEL_BSP_SCHEDULE_DELAY', { from: 1, to: 60_000, otherwise: 1_000 }),
    problems,
  }
}

/** By the names that processes of Millrace itself read. */
const kafkaFrom = (
  read: (name: string) => string | undefined,
  problems: string[],
): Extract<ExporterSettings, { kind: 'kafka' }> => {
  const matching = (name: string, pattern: RegExp, form: string, otherwise: string): string => {
    const value = read(name)
    if (value === undefined || pattern.test(value)) return value ?? otherwise
    problems.push(`${name} is no ${form}`)
    return otherwise
  }
  const textOf = (name: string, file: string | undefined): string | undefined => {
    if (file === undefined) return undefined
    try {
      return readFileSync(file, 'utf8').replace(/\r?\n$/, '')
    } catch {
      problems.push(`${name} names a file that cannot be read`)
      return undefined
    }
  }
  const loginOf = (): KafkaLogin | undefined => {
    const mechanism = MECHANISMS.find((known) => known === read('KAFKA_SASL_MECHANISM'))
    const username = read('KAFKA_SASL_USERNAME')
    const password =
      read('KAFKA_SASL_PASSWORD') ??
      textOf('KAFKA_SASL_PASSWORD_FILE', read('KAFKA_SASL_PASSWORD_FILE'))
    if (mechanism !== undefined && username !== undefined && password !== undefined) {
      return { mechanism, username, password }
    }
    if ((read('KAFKA_SASL_MECHANISM') ?? username ?? password) !== undefined) {
      problems.push(
        `KAFKA_SASL_MECHANISM (${MECHANISMS.join(', ')}), KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD belong together`,
      )
    }
    return undefined
  }
  const ca = textOf('KAFKA_SSL_CA_FILE', read('KAFKA_SSL_CA_FILE'))
  const ssl = read('KAFKA_SSL')?.toLowerCase() === 'true'
  const { brokers, clientId, topics } = KAFKA
  return {
    kind: 'kafka',
    brokers: matching(
      'KAFKA_BROKERS',
      BROKERS,
      'list of host:port, separated by commas',
      brokers.join(),
    ).split(','),
    clientId: read('KAFKA_CLIENT_ID') ?? clientId,
    topics: {
      traces: matching('MILLRACE_KAFKA_TOPIC', TOPIC, 'name of a topic', topics.traces),
      logs: matching('MILLRACE_KAFKA_LOGS_TOPIC', TOPIC, 'name of a topic', topics.logs),
    },
    ssl: ssl && ca !== undefined ? { ca } : ssl,
    sasl: loginOf(),
  }
}

interface NumberRange {
  readonly from: number
  readonly to: number
  readonly otherwise: number
}

/** `parentbased_...` or not: a decision that came with a request is followed in any case. */
const shareOf = (sampler: string | undefined, ratio: number, problems: string[]): number => {
  switch (sampler?.replace(/^parentbased_/, '')) {
    case undefined:
    case 'always_on':
      return 1
    case 'always_off':
      return 0
    case 'traceidratio':
      return ratio
    default:
      problems.push('OTEL_TRACES_SAMPLER is none of always_on, always_off, traceidratio')
      return 1
  }
}

/** `a=1,b=2%20`: as W3C baggage writes it. */
const pairsOf = (list: string): { known: Record<string, string>; wrong: number } => {
  const known: Record<string, string> = {}
  let wrong = 0
  for (const entry of list.split(',')) {
    if (entry.trim() === '') continue
    const cut = entry.indexOf('=')
    const name = entry.slice(0, cut).trim()
    try {
      if (cut < 1 || name === '') throw new Error('no name')
      known[name] = decodeURIComponent(entry.slice(cut + 1).trim())
    } catch {
      wrong += 1
    }
  }
  return { known, wrong }
}
