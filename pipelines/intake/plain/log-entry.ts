/**
 * `{"timestamp", "level", "message", "service", "labels": {"component", ...}}` as an entry of
 * `telemetry.logs`. What is no field of this shape is passed over.
 */
import type { LogEntry } from '../../../schemas/generated/telemetry-logs.ts'
import { telemetryLogs } from '../../../schemas/topics.ts'
import { BadInput } from '../bad-input.ts'
import type { Arrival } from '../arrival.ts'
import { Fields } from '../fields.ts'
import { levelOfText } from '../log-level.ts'
import { eventTimeOf } from './event-time-of.ts'
import { keyed } from './keyed.ts'
import { labelTexts } from './label-texts.ts'
import { fieldOrLabel, MAX_NAME } from './where.ts'

const LABELS = { count: 128, name: MAX_NAME, value: 8_192, total: 131_072 }
export const MAX_MESSAGE = 131_072
const MAX_LEVEL = 64

export const logEntry = (item: unknown, { tenant, receivedAtMs }: Arrival): LogEntry => {
  const fields = new Fields(item)
  const labels = labelTexts(fields, 'labels', LABELS)
  const service = fieldOrLabel(fields, 'service', labels)
  if (service === undefined) throw fields.bad('service', 'given, here or as a label')
  const word = fields.optionalText('level', MAX_LEVEL) ?? ''
  const level = levelOfText(word)
  // What the word said beyond the level stays: CRITICAL, notice.
  if (word !== '' && word.toLowerCase() !== level && !labels.has('level')) labels.set('level', word)
  return keyed(telemetryLogs, {
    timestamp: eventTimeOf(fields, receivedAtMs),
    tenant,
    service,
    level,
    message: messageOf(item, fields),
    labels: Object.fromEntries(labels),
    resource: {},
    environment: fieldOrLabel(fields, 'environment', labels) ?? null,
    traceId: hexId(fields, 'trace_id', TRACE_ID),
    spanId: hexId(fields, 'span_id', SPAN_ID),
  })
}

/** May be empty, as a line may; but not missing. */
const messageOf = (item: unknown, fields: Fields): string => {
  const empty =
    typeof item === 'object' && item !== null && 'message' in item && item.message === ''
  if (empty) return ''
  const message = fields.optionalText('message', MAX_MESSAGE)
  if (message === undefined) throw fields.bad('message', 'given, as text')
  return message
}

const TRACE_ID = { pattern: /^(?!0+$)[0-9a-f]{32}$/, digits: 32 }
const SPAN_ID = { pattern: /^(?!0+$)[0-9a-f]{16}$/, digits: 16 }

const hexId = (
  fields: Fields,
  name: string,
  { pattern, digits }: { readonly pattern: RegExp; readonly digits: number },
): string | null => {
  const id = fields.optionalText(name)?.toLowerCase()
  if (id === undefined) return null
  if (pattern.test(id)) return id
  throw new BadInput(fields.pathOf(name), id, `${String(digits)} hex digits, not all zero`)
}
