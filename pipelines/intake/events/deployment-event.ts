/**
 * Makes the record of a deployment from what any source says about it.
 *
 * D1: the id is a hash of tenant, source and the source's own identity of the event. The same event
 *     by another way, or again, is the same record.
 * D2: event time is the sender's. Ahead of the clock by more than a minute it would be put aside by
 *     every pipeline later on; so it is refused here, where the sender hears of it.
 */
import type {
  ChangeKind,
  DeploymentEvent,
  DeploymentStatus,
} from '../../../schemas/generated/telemetry-deployments.ts'
import type { EpochMs } from '../../../schemas/topic.ts'
import { BadInput } from '../bad-input.ts'
import { isEventTime } from '../event-time.ts'
import { MAX_TEXT } from '../fields.ts'
import { contentId } from '../ids.ts'
import type { EventArrival } from './mapping.ts'

/** A service's name stands in keys, tables and addresses. */
export const MAX_SERVICE = 255
export const MAX_METADATA = 128
export const MAX_METADATA_VALUE = 8_192
/** Of all names and texts together: with them a record stays below what brokers take. */
export const MAX_METADATA_TOTAL = 131_072
/** Nothing that a name needs, and U+001F separates the parts of keys. */
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f]/

export interface DeploymentFacts {
  readonly timestamp: EpochMs
  readonly service: string
  readonly status: DeploymentStatus
  readonly kind: ChangeKind
  readonly source: string
  readonly sourceId: string
  readonly environment?: string | undefined
  readonly version?: string | undefined
  readonly commit?: string | undefined
  readonly ref?: string | undefined
  readonly deployedBy?: string | undefined
  readonly startedAt?: EpochMs | undefined
  readonly finishedAt?: EpochMs | undefined
  readonly plannedFrom?: EpochMs | undefined
  readonly plannedTo?: EpochMs | undefined
  readonly url?: string | undefined
  /** What is undefined is left out. */
  readonly metadata?: Readonly<Record<string, string | undefined>>
}

/** @throws BadInput naming the field of the record that cannot be so */
export const deploymentEvent = (
  { tenant, receivedAtMs, ...said }: EventArrival,
  facts: DeploymentFacts,
): DeploymentEvent => {
  const { source, sourceId, timestamp, status, kind, plannedFrom, plannedTo } = facts
  const service = name('service', said.service ?? facts.service)
  if (!isEventTime(timestamp, receivedAtMs)) {
    throw new BadInput('timestamp', shownTime(timestamp), 'a time since 1970, not ahead of now')
  }
  if (plannedFrom !== undefined && plannedTo !== undefined && plannedFrom >= plannedTo) {
    throw new BadInput('plannedTo', shownTime(plannedTo), 'later than plannedFrom')
  }
  const environment = said.environment ?? facts.environment
  return {
    id: contentId(tenant, source, sourceId),
    timestamp,
    tenant,
    service,
    environment: environment === undefined ? null : name('environment', environment),
    version: text('version', facts.version),
    status,
    kind,
    commit: text('commit', facts.commit),
    ref: text('ref', facts.ref),
    deployedBy: text('deployedBy', facts.deployedBy),
    startedAt: facts.startedAt ?? null,
    finishedAt: facts.finishedAt ?? null,
    plannedFrom: plannedFrom ?? null,
    plannedTo: plannedTo ?? null,
    url: text('url', facts.url),
    source,
    sourceId,
    metadata: metadataOf(facts.metadata ?? {}),
  }
}

const name = (field: string, value: string): string => {
  if (value === '') throw new BadInput(field, value, 'not empty')
  if (value.length > MAX_SERVICE) {
    throw new BadInput(field, value, `at most ${String(MAX_SERVICE)} characters`)
  }
  if (CONTROL.test(value)) throw new BadInput(field, value, 'without control characters')
  return value
}

const text = (field: string, value: string | undefined): string | null => {
  if (value === undefined || value === '') return null
  if (value.length <= MAX_TEXT) return value
  throw new BadInput(field, value, `at most ${String(MAX_TEXT)} characters`)
}

const metadataOf = (
  metadata: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> => {
  const entries = Object.entries(metadata).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as const],
  )
  if (entries.length > MAX_METADATA) {
    throw new BadInput('metadata', entries.length, `at most ${String(MAX_METADATA)} entries`)
  }
  let total = 0
  for (const [key, value] of entries) {
    total += key.length + value.length
    if (key.length <= MAX_SERVICE && value.length <= MAX_METADATA_VALUE) continue
    const limit = `a name of at most ${String(MAX_SERVICE)} and text of at most ${String(MAX_METADATA_VALUE)} characters`
    throw new BadInput(`metadata.${key.slice(0, MAX_SERVICE)}`, value, limit)
  }
  if (total > MAX_METADATA_TOTAL) {
    throw new BadInput('metadata', total, `at most ${String(MAX_METADATA_TOTAL)} characters in all`)
  }
  return Object.fromEntries(entries)
}

const shownTime = (ms: number): string | number =>
  Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : ms
