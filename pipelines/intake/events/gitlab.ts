/**
 * Webhooks of GitLab.
 *
 * G1: the identity of an event is made of its content (what, which, status, when), not of the
 *     delivery: a project hook and a group hook tell of the same event under two delivery ids.
 * G2: times come as `2021-04-28 21:50:00 +0200`, as ISO 8601, or written in the words of the
 *     instance's language. What cannot be read is no reason to lose the event: it counts from its
 *     arrival, and the text stands in the metadata.
 */
import type {
  DeploymentEvent,
  DeploymentStatus,
} from '../../../schemas/generated/telemetry-deployments.ts'
import type { EpochMs } from '../../../schemas/topic.ts'
import { Fields } from '../fields.ts'
import { lookup } from '../lookup.ts'
import { parseTimestamp } from '../timestamp.ts'
import { lastPart, remark, serviceOfLabels, versionOf } from './change-words.ts'
import { deploymentEvent, type DeploymentFacts } from './deployment-event.ts'
import { ignored, mapping, type EventArrival, type Mapping } from './mapping.ts'

const SOURCE = 'gitlab'

/** Of deployments, pipelines and jobs alike. */
const statuses = lookup<DeploymentStatus>({
  blocked: 'pending',
  created: 'pending',
  manual: 'pending',
  pending: 'pending',
  preparing: 'pending',
  scheduled: 'pending',
  waiting_for_callback: 'pending',
  waiting_for_resource: 'pending',
  running: 'running',
  success: 'succeeded',
  failed: 'failed',
  canceled: 'cancelled',
  canceling: 'cancelled',
  skipped: 'cancelled',
})

interface Hook {
  readonly body: Fields
  readonly project: Fields
  readonly arrival: EventArrival
  /** Where a person sees the project; tells instances apart. */
  readonly home: string
  readonly path: string
}

export interface GitlabDelivery {
  /** `Idempotency-Key`: the only identity of events that have no time of their own. */
  readonly deliveryId: string | undefined
}

export const gitlabEvent = (
  json: unknown,
  arrival: EventArrival,
  { deliveryId }: GitlabDelivery,
): Mapping<DeploymentEvent> =>
  mapping(() => {
    const body = new Fields(json)
    const kind = body.text('object_kind')
    const read = readers.get(kind)
    if (read === undefined)
      return ignored(`GitLab's '${kind}' events tell of no change of a service`)
    const project = body.optionalObject('project') ?? body.object('repository')
    const home = project.optionalText('web_url') ?? project.optionalText('homepage') ?? ''
    const path = project.optionalText('path_with_namespace') ?? project.text('name')
    const facts = read({ body, project, arrival, home, path }, deliveryId)
    return isFacts(facts) ? deploymentEvent(arrival, facts) : facts
  })

type Reader = (hook: Hook, deliveryId: string | undefined) => DeploymentFacts | Mapping<never>

const isFacts = (result: DeploymentFacts | Mapping<never>): result is DeploymentFacts =>
  'sourceId' in result

const deployment: Reader = (hook) => {
  const { body } = hook
  const status = body.text('status')
  const when = timeOf(hook, body.get('status_changed_at'))
  const id = body.id('deployment_id')
  const commit = commitOf(body.optionalText('commit_url'), body.optionalText('short_sha'))
  const ref = body.optionalText('ref')
  const tier = body.optionalText('environment_tier')
  return {
    ...common(hook, { what: `deployment ${id}`, status, when }),
    kind: 'deployment',
    environment: body.optionalText('environment'),
    version: versionOf(ref, commit),
    commit,
    ref,
    url: body.optionalText('deployable_url') ?? body.optionalText('commit_url'),
    metadata: {
      ...when.metadata,
      project: hook.path,
      deployment: id,
      job: body.optionalId('deployable_id'),
      environment_tier: tier,
      environment_slug: body.optionalText('environment_slug'),
      environment_url: body.optionalText('environment_external_url'),
      commit_title: remark(body.optionalText('commit_title', Infinity)),
    },
  }
}

const pipeline: Reader = (hook) => {
  const attributes = hook.body.object('object_attributes')
  const status = attributes.text('status')
  const isDone = attributes.get('finished_at') !== undefined
  const when = timeOf(hook, attributes.get(isDone ? 'finished_at' : 'created_at'))
  const id = attributes.id('id')
  const commit = attributes.optionalText('sha')
  const ref = attributes.optionalText('ref')
  return {
    ...common(hook, { what: `pipeline ${id}`, status, when }),
    kind: 'build',
    version: attributes.get('tag') === true ? (ref ?? commit) : versionOf(ref, commit),
    commit,
    ref,
    url: attributes.optionalText('url') ?? (hook.home && `${hook.home}/-/pipelines/${id}`),
    metadata: {
      ...when.metadata,
      project: hook.path,
      pipeline: id,
      pipeline_source: attributes.optionalText('source'),
      pipeline_name: remark(attributes.optionalText('name', Infinity)),
    },
  }
}

const job: Reader = (hook) => {
  const { body } = hook
  const status = body.text('build_status')
  const began = body.get('build_started_at') ?? body.get('build_created_at')
  const when = timeOf(hook, body.get('build_finished_at') ?? began)
  const id = body.id('build_id')
  const commit = body.optionalText('sha')
  const ref = body.optionalText('ref')
  return {
    ...common(hook, { what: `job ${id}`, status, when }),
    kind: 'build',
    environment: body.optionalObject('environment')?.optionalText('name'),
    version: body.get('tag') === true ? (ref ?? commit) : versionOf(ref, commit),
    commit,
    ref,
    url: hook.home && `${hook.home}/-/jobs/${id}`,
    metadata: {
      ...when.metadata,
      project: hook.path,
      pipeline: body.optionalId('pipeline_id'),
      job: id,
      job_name: remark(body.optionalText('build_name', Infinity)),
      job_stage: remark(body.optionalText('build_stage', Infinity)),
      failure_reason: remark(body.optionalText('build_failure_reason', Infinity)),
      retries: body.optionalId('retries_count'),
    },
  }
}

const mergeRequest: Reader = (hook) => {
  const attributes = hook.body.object('object_attributes')
  const action = attributes.optionalText('action') ?? 'none'
  if (action !== 'merge') {
    return ignored(`a merge request changes a service when it is merged, not by '${action}'`)
  }
  const id = attributes.id('iid')
  const when = timeOf(hook, attributes.get('updated_at'))
  const commit =
    attributes.optionalText('merge_commit_sha') ??
    attributes.optionalObject('last_commit')?.optionalText('id')
  const labels = hook.body
    .list('labels', 1_000)
    .map(
      (label, index) => new Fields(label, `labels[${String(index)}]`).optionalText('title') ?? '',
    )
  return {
    ...common(hook, { what: `merge request ${id}`, status: 'merged', when }),
    service: serviceOfLabels(labels) ?? lastPart(hook.path),
    status: 'succeeded',
    kind: 'merge',
    version: commit,
    commit,
    ref: attributes.optionalText('target_branch'),
    url: attributes.optionalText('url'),
    metadata: {
      ...when.metadata,
      project: hook.path,
      merge_request: id,
      source_branch: remark(attributes.optionalText('source_branch', Infinity)),
      title: remark(attributes.optionalText('title', Infinity)),
    },
  }
}

const featureFlag: Reader = (hook, deliveryId) => {
  const attributes = hook.body.object('object_attributes')
  const active = attributes.get('active')
  if (typeof active !== 'boolean') throw attributes.bad('active', 'true or false')
  const { receivedAtMs } = hook.arrival
  const when = { ms: receivedAtMs, text: deliveryId ?? String(receivedAtMs), metadata: {} }
  const id = attributes.id('id')
  return {
    ...common(hook, { what: `feature flag ${id}`, status: active ? 'on' : 'off', when }),
    status: 'succeeded',
    kind: 'flag',
    metadata: {
      project: hook.path,
      flag: remark(attributes.text('name')),
      active: String(active),
    },
  }
}

const readers = lookup<Reader>({
  deployment,
  pipeline,
  build: job,
  merge_request: mergeRequest,
  feature_flag: featureFlag,
})

interface When {
  readonly ms: EpochMs
  /** As it came: part of the identity. */
  readonly text: string
  readonly metadata: Readonly<Record<string, string>>
}

const timeOf = ({ arrival }: Hook, value: unknown): When => {
  const ms = arrival.receivedAtMs
  if (typeof value !== 'string') return { ms, text: '', metadata: {} }
  const text = value.slice(0, 100)
  const read = parseTimestamp(value)
  return read === undefined
    ? { ms, text, metadata: { time_unreadable: text } }
    : { ms: read, text, metadata: {} }
}

const common = (
  hook: Hook,
  { what, status, when }: { readonly what: string; readonly status: string; readonly when: When },
) => {
  const is = statuses.get(status) ?? 'unknown'
  return {
    timestamp: when.ms,
    service: lastPart(hook.path),
    status: is,
    ...phaseTimes(is, when.ms),
    deployedBy: userOf(hook.body),
    source: SOURCE,
    sourceId: [hook.home || hook.path, what, status, when.text].join(' ').trim(),
  }
}

const phaseTimes = (status: DeploymentStatus, ms: EpochMs) => {
  if (status === 'running') return { startedAt: ms }
  return status === 'pending' || status === 'unknown' ? {} : { finishedAt: ms }
}

const userOf = (body: Fields): string | undefined => {
  const user = body.optionalObject('user')
  return user?.optionalText('username') ?? user?.optionalText('name')
}

/** The address has all forty digits of the commit, of which `short_sha` has eight. */
const commitOf = (url: string | undefined, short: string | undefined): string | undefined => {
  const full = /\/commit\/([0-9a-f]{8,64})\b/.exec(url ?? '')?.[1]
  return full?.startsWith(short ?? '') === true ? full : short
}
