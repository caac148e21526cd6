/** Lines of pino as an OTLP/JSON request. What is no JSON object is a message as it stands. */
import { type Attribute, resourceOf, SCOPE, text } from './otlp-spans.ts'
import type { Service } from './span.ts'

/** A line, and when it came, for one that does not say so itself. */
export interface LogLine {
  readonly line: string
  readonly atMs: number
}

const MAX_LINE = 32 * 1024

/** pino's numbers, its labels, and the numbers of OpenTelemetry. */
const LEVELS = [
  { from: 60, label: 'fatal', severity: 21 },
  { from: 50, label: 'error', severity: 17 },
  { from: 40, label: 'warn', severity: 13 },
  { from: 30, label: 'info', severity: 9 },
  { from: 20, label: 'debug', severity: 5 },
  { from: 0, label: 'trace', severity: 1 },
] as const

type Fields = Readonly<Record<string, unknown>>

export const encodeLogs = (lines: readonly LogLine[], service: Service): string => {
  const groups = new Map<string, object[]>()
  for (const line of lines) {
    const fields = fieldsOf(line.line)
    const name = textOf(fields['service']) ?? service.attributes['service.name'] ?? ''
    const records = groups.get(name) ?? []
    groups.set(name, records)
    records.push(recordOf(fields, line.atMs))
  }
  return JSON.stringify({
    resourceLogs: [...groups].map(([name, logRecords]) => ({
      resource: resourceOf({ attributes: { ...service.attributes, 'service.name': name } }),
      scopeLogs: [{ scope: SCOPE, logRecords }],
    })),
  })
}

const fieldsOf = (line: string): Fields => {
  const cut = line.slice(0, MAX_LINE)
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null && line.length <= MAX_LINE)
      return value as Fields
  } catch {
    // Not of pino.
  }
  return { msg: cut.trimEnd() }
}

const NOT_ATTRIBUTES = new Set([
  'msg',
  'level',
  'time',
  'service',
  'traceId',
  'spanId',
  'pid',
  'hostname',
])

const recordOf = (fields: Fields, atMs: number): object => {
  const { level, time } = fields
  const known = LEVELS.find(
    ({ from, label }) => label === level || (typeof level === 'number' && level >= from),
  )
  const timeMs = typeof time === 'number' ? time : Date.parse(textOf(time) ?? '')
  const traceId = textOf(fields['traceId'])
  const spanId = textOf(fields['spanId'])
  return {
    timeUnixNano: `${String(Math.trunc(Number.isFinite(timeMs) ? timeMs : atMs))}000000`,
    ...(known === undefined ? {} : { severityNumber: known.severity, severityText: known.label }),
    body: { stringValue: textOf(fields['msg']) ?? '' },
    attributes: attributesOf(fields),
    ...(traceId === undefined ? {} : { traceId }),
    ...(spanId === undefined ? {} : { spanId }),
  }
}

const attributesOf = (fields: Fields): Attribute[] =>
  Object.entries(fields)
    .filter(([name]) => !NOT_ATTRIBUTES.has(name))
    .flatMap(([name, value]) => (name === 'err' ? exceptionOf(value) : [attributeOf(name, value)]))

const attributeOf = (name: string, value: unknown): Attribute =>
  text(name, textOf(value) ?? JSON.stringify(value))

/** As pino writes errors. */
const exceptionOf = (value: unknown): Attribute[] => {
  if (typeof value !== 'object' || value === null) return [attributeOf('err', value)]
  const { type, message, stack } = value as Fields
  return [
    text('exception.type', textOf(type) ?? 'Error'),
    text('exception.message', textOf(message) ?? ''),
    text('exception.stacktrace', textOf(stack) ?? ''),
  ]
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined
