/**
 * Webhooks of Alertmanager, version 4.
 *
 * A1: the group is `firing` while any alert of it fires, so the status of each alert counts.
 * A2: an alert that fires has no end: Alertmanager writes the year 1 there.
 * A3: fingerprint, start and status are the identity: groups are told of again and again.
 */
import type { Alert } from '../../../schemas/generated/telemetry-alerts.ts'
import { BadInput } from '../bad-input.ts'
import { isEventTime } from '../event-time.ts'
import { Fields } from '../fields.ts'
import { contentId } from '../ids.ts'
import { mapping, type EventArrival, type Mapping } from './mapping.ts'

const VERSION = '4'
export const MAX_ALERTS = 10_000
export const MAX_LABELS = 256
const MAX_LABEL_VALUE = 8_192
/** Names and texts of all labels, or of all annotations: with them a record stays below what brokers take. */
const MAX_LABELS_TOTAL = 131_072

/** Labels that name a service, the first of them that is there. */
const SERVICE_LABELS = ['service', 'service_name', 'service.name', 'app', 'job']

/** One mapping for each alert: the good ones of a group are kept. Refused as a whole: one mapping alone. */
export const alertmanagerAlerts = (
  json: unknown,
  arrival: EventArrival,
): readonly Mapping<Alert>[] => {
  const group = mapping(() => groupOf(json))
  if (group.kind !== 'mapped') return [group]
  const { alerts, ...from } = group.value
  return alerts.map((alert, index) =>
    mapping(() => alertOf(new Fields(alert, `alerts[${String(index)}]`), from, arrival)),
  )
}

interface Group {
  readonly receiver: string | undefined
  readonly groupKey: string | undefined
}

const groupOf = (json: unknown): Group & { readonly alerts: readonly unknown[] } => {
  const body = new Fields(json)
  if (body.get('version') !== VERSION) throw body.bad('version', `"${VERSION}"`)
  if (body.get('alerts') === undefined) throw body.bad('alerts', 'an array')
  return {
    receiver: body.optionalText('receiver'),
    // Made of all group labels, so it may be long; it is only shown.
    groupKey: body.optionalText('groupKey', Infinity)?.slice(0, MAX_LABEL_VALUE),
    alerts: body.list('alerts', MAX_ALERTS),
  }
}

const alertOf = (alert: Fields, { receiver, groupKey }: Group, arrival: EventArrival): Alert => {
  const { tenant, receivedAtMs } = arrival
  const status = alert.text('status')
  if (status !== 'firing' && status !== 'resolved') throw alert.bad('status', 'firing or resolved')
  const labels = textMap(alert, 'labels')
  const name = labels['alertname']
  if (name === undefined) {
    throw new BadInput(alert.pathOf('labels.alertname'), undefined, 'text, and not empty')
  }
  const startsAt = timeOf(alert, 'startsAt', receivedAtMs)
  const endsAt = status === 'resolved' ? timeOf(alert, 'endsAt', receivedAtMs) : null
  const fingerprint = alert.optionalText('fingerprint', 128) ?? fingerprintOf(labels)
  return {
    id: contentId(tenant, fingerprint, String(startsAt), status),
    timestamp: endsAt ?? startsAt,
    tenant,
    fingerprint,
    status,
    name,
    severity: labels['severity'] ?? null,
    service:
      arrival.service ??
      SERVICE_LABELS.map((label) => labels[label]).find((value) => (value ?? '') !== '') ??
      null,
    startsAt,
    endsAt,
    labels,
    annotations: textMap(alert, 'annotations'),
    generatorUrl: alert.optionalText('generatorURL', MAX_LABEL_VALUE) ?? null,
    source: 'alertmanager',
    receiver: receiver ?? null,
    groupKey: groupKey ?? null,
  }
}

const timeOf = (alert: Fields, name: string, receivedAtMs: number): number => {
  const time = alert.optionalTime(name)
  if (time !== undefined && isEventTime(time, receivedAtMs)) return time
  throw alert.bad(name, 'a time like 2026-03-01T12:00:00Z, not ahead of now')
}

const textMap = (alert: Fields, name: string): Readonly<Record<string, string>> => {
  const map = alert.optionalObject(name)
  if (map === undefined) return {}
  const names = map.names()
  if (names.length > MAX_LABELS) {
    throw new BadInput(alert.pathOf(name), names.length, `at most ${String(MAX_LABELS)} entries`)
  }
  const texts = names.map(
    (label) => [label, map.optionalText(label, MAX_LABEL_VALUE) ?? ''] as const,
  )
  const total = texts.reduce((sum, [label, text]) => sum + label.length + text.length, 0)
  if (total <= MAX_LABELS_TOTAL) return Object.fromEntries(texts)
  const limit = `at most ${String(MAX_LABELS_TOTAL)} characters in all`
  throw new BadInput(alert.pathOf(name), total, limit)
}

const fingerprintOf = (labels: Readonly<Record<string, string>>): string =>
  contentId(
    ...Object.keys(labels)
      .sort()
      .flatMap((label) => [label, labels[label] ?? '']),
  )
