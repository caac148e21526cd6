/**
 * CloudEvents 1.0, by HTTP or Kafka: the attributes beside the data (binary), or around it
 * (structured). What is looked for in them is CDEvents; any other event is passed over. Version 0.3
 * has the same attributes; the CDEvents SDK for Java (0.3.1) still sends it.
 */
import type { DeploymentEvent } from '../../../schemas/generated/telemetry-deployments.ts'
import { BadInput } from '../bad-input.ts'
import { Fields } from '../fields.ts'
import { parseJson } from '../json.ts'
import { cdEvent, isCdEvent } from './cdevents.ts'
import { ignored, mapping, type EventArrival, type Mapping } from './mapping.ts'

export interface CloudEvent {
  readonly type: string
  readonly data: unknown
  /** Where the data stands, for what is wrong with it. */
  readonly dataPath: string
}

const VERSIONS = ['1.0', '0.3']
export const MAX_BATCH = 10_000
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Binary: `attribute('type')` is what the header of that attribute holds. @throws BadInput */
export const cloudEventOfAttributes = (
  attribute: (name: string) => string | undefined,
  data: unknown,
): CloudEvent => {
  const names = ['specversion', 'id', 'source', 'type']
  const attributes = new Fields(
    Object.fromEntries(names.map((name) => [name, attribute(name)])),
    'ce',
  )
  return { type: typeOf(attributes), data, dataPath: '' }
}

/** Structured: the event as JSON. @throws BadInput */
export const cloudEventOfEnvelope = (json: unknown, path = ''): CloudEvent => {
  const envelope = new Fields(json, path)
  const type = typeOf(envelope)
  const isBinary = envelope.get('data_base64') !== undefined
  const dataPath = envelope.pathOf(isBinary ? 'data_base64' : 'data')
  return { type, data: isBinary ? decoded(envelope) : envelope.get('data'), dataPath }
}

const typeOf = (attributes: Fields): string => {
  const version = attributes.text('specversion')
  if (!VERSIONS.includes(version)) throw attributes.bad('specversion', '"1.0", or "0.3"')
  attributes.text('id')
  attributes.text('source')
  return attributes.text('type')
}

const decoded = (envelope: Fields): unknown => {
  const text = envelope.get('data_base64')
  if (typeof text !== 'string' || !BASE64.test(text)) throw envelope.bad('data_base64', 'base64')
  return parseJson(Buffer.from(text, 'base64'))
}

/** Each event of a batch is judged by itself. @throws BadInput for what is no batch */
export const cloudEventBatch = (
  json: unknown,
  arrival: EventArrival,
): Mapping<DeploymentEvent>[] => {
  if (!Array.isArray(json)) throw new BadInput('body', json, 'an array of CloudEvents')
  if (json.length > MAX_BATCH) {
    throw new BadInput('body', json.length, `an array of at most ${String(MAX_BATCH)} CloudEvents`)
  }
  return json.map((event: unknown, index) =>
    deploymentOf(() => cloudEventOfEnvelope(event, `[${String(index)}]`), arrival),
  )
}

export const deploymentOf = (
  read: () => CloudEvent,
  arrival: EventArrival,
): Mapping<DeploymentEvent> => {
  const event = mapping(read)
  if (event.kind !== 'mapped') return event
  const { type, data, dataPath } = event.value
  return isCdEvent(type)
    ? cdEvent(data, arrival, dataPath)
    : ignored(`events of type '${type}' tell of no change of a service`)
}
