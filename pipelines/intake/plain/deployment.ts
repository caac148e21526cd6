/**
 * `{"timestamp", "service", "version", "status", "metadata": {"commit", "deployed_by", ...}}` as an
 * event of `telemetry.deployments`. What is no field of this shape is passed over.
 */
import type {
  ChangeKind,
  DeploymentEvent,
  DeploymentStatus,
} from '../../../schemas/generated/telemetry-deployments.ts'
import { deploymentEvent, MAX_METADATA, MAX_METADATA_VALUE } from '../events/deployment-event.ts'
import type { Arrival } from '../events/mapping.ts'
import { Fields } from '../fields.ts'
import { contentId } from '../ids.ts'
import { eventTimeOf } from './event-time-of.ts'
import { labelTexts } from './label-texts.ts'
import { fieldOrLabel, MAX_NAME } from './where.ts'

const METADATA = { count: MAX_METADATA, name: MAX_NAME, value: MAX_METADATA_VALUE, total: 131_072 }

const STATUS_WORDS: Readonly<Record<DeploymentStatus, readonly string[]>> = {
  unknown: [],
  pending: ['queued', 'created', 'waiting', 'scheduled', 'planned'],
  running: ['started', 'starting', 'in_progress', 'progressing', 'deploying', 'rolling_out'],
  succeeded: ['success', 'successful', 'completed', 'complete', 'deployed', 'finished', 'done'],
  failed: ['failure', 'error', 'errored', 'degraded'],
  cancelled: ['canceled', 'aborted', 'skipped', 'rejected'],
}
const STATUSES: ReadonlyMap<string, DeploymentStatus> = new Map(
  Object.entries(STATUS_WORDS).flatMap(([status, words]) =>
    [status, ...words].map((word) => [word, status as DeploymentStatus] as const),
  ),
)
const ROLLED_BACK: ReadonlySet<string> = new Set(['rolled_back', 'rollback', 'reverted'])

export const deployment = (item: unknown, arrival: Arrival): DeploymentEvent => {
  const fields = new Fields(item)
  const metadata = labelTexts(fields, 'metadata', METADATA)
  const timestamp = eventTimeOf(fields, arrival.receivedAtMs)
  const service = fieldOrLabel(fields, 'service', metadata)
  if (service === undefined) throw fields.bad('service', 'given')
  const environment = fieldOrLabel(fields, 'environment', metadata)
  const version = fields.text('version')
  const word = fields.text('status')
  const { status, kind } = meaningOf(word)
  if (word.toLowerCase() !== status) metadata.set('status', word)
  const take = (name: string): string | undefined => {
    const value = metadata.get(name)
    metadata.delete(name)
    return value
  }
  return deploymentEvent(arrival, {
    timestamp,
    service,
    environment,
    version,
    status,
    kind,
    commit: take('commit'),
    deployedBy: take('deployed_by'),
    source: 'ingest',
    // Who gives no identity has that of the content: the same again is the same event.
    sourceId:
      fields.optionalId('id') ??
      contentId(service, environment ?? '', version, word, String(timestamp)),
    metadata: Object.fromEntries(metadata),
  })
}

/** A word that nobody here knows is kept, and means nothing. */
const meaningOf = (
  text: string,
): { readonly status: DeploymentStatus; readonly kind: ChangeKind } => {
  const word = text
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_')
  if (ROLLED_BACK.has(word)) return { status: 'succeeded', kind: 'rollback' }
  return { status: STATUSES.get(word) ?? 'unknown', kind: 'deployment' }
}
