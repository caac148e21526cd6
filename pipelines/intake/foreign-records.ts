/** What a record of a foreign topic holds: OTLP as the Collector writes it, or a CloudEvent. */
import { createHash } from 'node:crypto'
import type { DeploymentEvent } from '../../schemas/generated/telemetry-deployments.ts'
import { Undecodable, type RawRecord } from '../runtime/index.ts'
import type { Arrival } from './arrival.ts'
import { BadInput } from './bad-input.ts'
import { isCdEvent } from './events/cdevents.ts'
import {
  cloudEventOfAttributes,
  cloudEventOfEnvelope,
  deploymentOf,
  type CloudEvent,
} from './events/cloudevents.ts'
import type { Mapping } from './events/mapping.ts'
import { parseJson } from './json.ts'
import { readOtlp, type OtlpRecords, type OtlpSignal } from './otlp/index.ts'

export type ForeignFormat = 'otlp-metrics' | 'otlp-logs' | 'otlp-traces' | 'cloudevents'

export interface ForeignTopic {
  readonly topic: string
  readonly format: ForeignFormat
  /** Of everything in the topic, whatever the content says. */
  readonly tenant: string
}

interface Identified {
  /** By which a repetition of the record is known; undefined where nothing tells. */
  readonly identity: Buffer | undefined
}
interface ForeignEvent {
  readonly signal: 'event'
  readonly mapped: Mapping<DeploymentEvent>
}
export type ForeignContent = (OtlpRecords | ForeignEvent) & Identified

interface Arrived extends Arrival {
  readonly value: Buffer
  readonly headers: RawRecord['headers']
}

export const decoderOf = ({ format, tenant }: ForeignTopic) => {
  const read = readers[format]
  return ({ value, headers, timestampMs }: RawRecord): ForeignContent | Undecodable => {
    if (value === null) return new Undecodable('the record has no value')
    if (timestampMs < 0) return new Undecodable('the record has no time')
    try {
      return read({ value, headers, tenant, receivedAtMs: timestampMs })
    } catch (error) {
      if (!(error instanceof BadInput)) throw error
      return new Undecodable(error.message)
    }
  }
}

/** No OTLP message in protobuf begins so: it would be field 15, as a group. */
const OPENING_BRACE = 0x7b

const otlp =
  (signal: OtlpSignal) =>
  ({ value: bytes, ...arrival }: Arrived): ForeignContent => {
    const encoding = bytes[0] === OPENING_BRACE ? 'json' : 'protobuf'
    // An entry of a log has no identity: the same text may be logged twice at the same time.
    const identity = signal === 'logs' ? undefined : createHash('sha256').update(bytes).digest()
    return { ...readOtlp(signal, { bytes, encoding, ...arrival }), identity }
  }

const event = (arrived: Arrived): ForeignContent => {
  const read = cloudEventOf(arrived)
  const mapped = deploymentOf(() => read, arrived)
  const identity = mapped.kind === 'mapped' ? Buffer.from(mapped.value.id, 'hex') : undefined
  return { signal: 'event', mapped, identity }
}

/** Binary, where headers carry the attributes; else structured. Kafka's binding has no batches. */
const cloudEventOf = ({ value, headers }: Arrived): CloudEvent => {
  const attribute = (name: string): string | undefined =>
    headers.find(({ key }) => key.toLowerCase() === `ce_${name}`)?.value?.toString('utf8')
  if (attribute('specversion') === undefined) return cloudEventOfEnvelope(parseJson(value))
  // The data of other events may be anything, and is not looked at.
  const isWanted = isCdEvent(attribute('type') ?? '')
  return cloudEventOfAttributes(attribute, isWanted ? parseJson(value) : undefined)
}

const readers: Readonly<Record<ForeignFormat, (arrived: Arrived) => ForeignContent>> = {
  'otlp-metrics': otlp('metrics'),
  'otlp-logs': otlp('logs'),
  'otlp-traces': otlp('traces'),
  cloudevents: event,
}
