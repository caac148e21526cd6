/**
 * CDEvents 0.3 to 0.5. What differs between them does not matter here: 0.4 has `context.version`
 * and `subject.type`, 0.5 `context.specversion` and no type of the subject.
 *
 * C1: the type is matched without its version, so that an event of a later one is read, too.
 * C2: source and id together are the identity, by HTTP and by Kafka alike.
 */
import type {
  ChangeKind,
  DeploymentEvent,
  DeploymentStatus,
} from '../../../schemas/generated/telemetry-deployments.ts'
import { Fields } from '../fields.ts'
import { jsonText } from '../json.ts'
import { lookup } from '../lookup.ts'
import { lastPart, remark } from './change-words.ts'
import { deploymentEvent, MAX_METADATA_VALUE } from './deployment-event.ts'
import { ignored, mapping, type EventArrival, type Mapping } from './mapping.ts'
import { packageName, type PackageName } from './package-url.ts'

const TYPE = /^dev\.cdevents\.(\w+)\.(\w+)\.\d+\.\d+\.\d+/

/** Whether a CloudEvent of this type holds a CDEvent. */
export const isCdEvent = (type: string): boolean => TYPE.test(type)

/** What a kind of event says besides identity and time. */
interface Told {
  readonly service: string
  readonly kind: ChangeKind
  readonly status: DeploymentStatus
  readonly environment?: string | undefined
  readonly version?: string | undefined
  readonly url?: string | undefined
  readonly metadata?: Readonly<Record<string, string | undefined>>
}

/** `json` is the whole CDEvent: the data of the CloudEvent that carries it, at `path`. */
export const cdEvent = (
  json: unknown,
  arrival: EventArrival,
  path = '',
): Mapping<DeploymentEvent> =>
  mapping(() => {
    const event = new Fields(json, path)
    const context = event.object('context')
    const type = context.text('type')
    const match = TYPE.exec(type)
    if (match === null) throw context.bad('type', 'dev.cdevents.<subject>.<predicate>.<version>')
    const read = readers.get(`${match[1] ?? ''}.${match[2] ?? ''}`)
    if (read === undefined) return ignored(`'${type}' tells of no change of a service`)
    const source = context.text('source')
    const id = context.text('id')
    // Else "a b" of "c" would be "a" of "b c". A URI reference has none.
    if (/\s/.test(source)) throw context.bad('source', 'a URI reference, without spaces')
    const timestamp = context.time('timestamp')
    const subject = event.object('subject')
    const told = read(subject)
    const isEnd = told.status !== 'pending' && told.status !== 'running'
    return deploymentEvent(arrival, {
      ...told,
      timestamp,
      ...(isEnd ? { finishedAt: timestamp } : {}),
      ...(told.status === 'running' ? { startedAt: timestamp } : {}),
      source: 'cdevents',
      sourceId: `${source} ${id}`,
      metadata: {
        ...told.metadata,
        type,
        subject: subject.text('id'),
        subject_source: subject.optionalText('source'),
        chain_id: context.optionalText('chainId'),
        custom_data: customData(event.get('customData')),
      },
    })
  })

/** Whole or not at all: JSON cut off is of no use. */
const customData = (data: unknown): string | undefined => {
  if (data === undefined) return undefined
  const text = typeof data === 'string' ? data : jsonText(data)
  return text.length <= MAX_METADATA_VALUE ? text : `${String(text.length)} characters, left out`
}

const contentOf = (subject: Fields): Fields => subject.optionalObject('content') ?? new Fields({})

const service =
  (kind: ChangeKind) =>
  (subject: Fields): Told => {
    const content = contentOf(subject)
    const artifact = content.optionalText('artifactId')
    return {
      service: subject.text('id'),
      kind,
      status: 'succeeded',
      environment: content.object('environment').text('id'),
      version: artifact === undefined ? undefined : (packageName(artifact)?.version ?? artifact),
      metadata: { artifact },
    }
  }

/** Everything in an environment is touched: it stands for itself. */
const environment =
  (kind: ChangeKind) =>
  (subject: Fields): Told => {
    const content = contentOf(subject)
    const id = subject.text('id')
    return {
      service: id,
      kind,
      status: 'succeeded',
      environment: id,
      url: content.optionalText('url') ?? content.optionalText('uri'),
      metadata: { name: remark(content.optionalText('name', Infinity)) },
    }
  }

const changeMerged = (subject: Fields): Told => {
  const repository = contentOf(subject).optionalObject('repository')?.text('id')
  return {
    service: lastPart(repository ?? subject.text('id')),
    kind: 'merge',
    status: 'succeeded',
    metadata: { change: subject.text('id'), repository },
  }
}

const artifactPublished = (subject: Fields): Told => {
  const id = subject.text('id')
  const artifact: PackageName = packageName(id) ?? { name: lastPart(id), version: undefined }
  return {
    service: artifact.name,
    kind: 'build',
    status: 'succeeded',
    version: artifact.version ?? id,
    metadata: { artifact: id },
  }
}

const pipelineRun =
  (statusOf: (content: Fields) => DeploymentStatus) =>
  (subject: Fields): Told => {
    const content = contentOf(subject)
    const name = content.optionalText('pipelineName')
    return {
      service: name ?? lastPart(subject.text('id')),
      kind: 'build',
      status: statusOf(content),
      url: content.optionalText('url') ?? content.optionalText('uri'),
      metadata: {
        pipeline: name,
        outcome: content.optionalText('outcome'),
        errors: remark(content.optionalText('errors', Infinity)),
      },
    }
  }

const outcomes = lookup<DeploymentStatus>({
  success: 'succeeded',
  failure: 'failed',
  error: 'failed',
  cancel: 'cancelled',
})

const readers = lookup<(subject: Fields) => Told>({
  'service.deployed': service('deployment'),
  'service.upgraded': service('deployment'),
  'service.rolledback': service('rollback'),
  'service.removed': service('removal'),
  'service.published': service('configuration'),
  'environment.created': environment('infrastructure'),
  'environment.modified': environment('infrastructure'),
  'environment.deleted': environment('removal'),
  'change.merged': changeMerged,
  'artifact.published': artifactPublished,
  'pipelinerun.queued': pipelineRun(() => 'pending'),
  'pipelinerun.started': pipelineRun(() => 'running'),
  'pipelinerun.finished': pipelineRun(
    (content) => outcomes.get(content.optionalText('outcome')?.toLowerCase() ?? '') ?? 'unknown',
  ),
})
