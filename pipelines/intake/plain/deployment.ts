/**
 * `{"timestamp", "service", "version", "status", "metadata": {"commit", "deployed_by", ...}}` as an
 * event of `telemetry.deployments`. What is no field of this shape is passed over.
 */
import type { DeploymentEvent } from '../../../schemas/generated/telemetry-deployments.ts'
import {
  deploymentEvent,
  MAX_METADATA,
  MAX_METADATA_TOTAL,
  MAX_METADATA_VALUE,
} from '../events/deployment-event.ts'
import type { Arrival } from '../arrival.ts'
import { meaningOfStatus } from '../events/status-words.ts'
import { Fields } from '../fields.ts'
import { contentId } from '../ids.ts'
import { eventTimeOf } from './event-time-of.ts'
import { labelTexts } from './label-texts.ts'
import { fieldOrLabel, MAX_NAME } from './where.ts'

const METADATA = {
  count: MAX_METADATA,
  name: MAX_NAME,
  value: MAX_METADATA_VALUE,
  total: MAX_METADATA_TOTAL,
}

export const deployment = (item: unknown, arrival: Arrival): DeploymentEvent => {
  const fields = new Fields(item)
  const metadata = labelTexts(fields, 'metadata', METADATA)
  const timestamp = eventTimeOf(fields, arrival.receivedAtMs)
  const service = fieldOrLabel(fields, 'service', metadata)
  if (service === undefined) throw fields.bad('service', 'given')
  const environment = fieldOrLabel(fields, 'environment', metadata)
  const version = fields.text('version')
  const word = fields.text('status')
  // A word that nobody here knows is kept, and means nothing.
  const { status, kind } = meaningOfStatus(word) ?? { status: 'unknown', kind: 'deployment' }
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
