/**
 * Webhooks of GitHub.
 *
 * H1: the identity of an event is the address of what it tells of, and where a redelivery could say
 *     more, its state: the signature covers the body alone, so a delivery id proves nothing.
 */
import type {
  DeploymentEvent,
  DeploymentStatus,
} from '../../../schemas/generated/telemetry-deployments.ts'
import { Fields } from '../fields.ts'
import { lookup } from '../lookup.ts'
import { remark, serviceOfLabels, versionOf } from './change-words.ts'
import { deploymentEvent, type DeploymentFacts } from './deployment-event.ts'
import { ignored, mapping, type EventArrival, type Mapping } from './mapping.ts'

const SOURCE = 'github'

/** Not `inactive`: that is said of an older deployment when a newer one has succeeded. */
const deploymentStates = lookup<DeploymentStatus>({
  queued: 'pending',
  pending: 'pending',
  waiting: 'pending',
  in_progress: 'running',
  success: 'succeeded',
  failure: 'failed',
  error: 'failed',
})

const conclusions = lookup<DeploymentStatus>({
  success: 'succeeded',
  neutral: 'succeeded',
  failure: 'failed',
  timed_out: 'failed',
  startup_failure: 'failed',
  cancelled: 'cancelled',
  skipped: 'cancelled',
  stale: 'cancelled',
})

/** `event` is the header X-GitHub-Event: bodies do not say what they are. */
export const githubEvent = (
  event: string,
  json: unknown,
  arrival: EventArrival,
): Mapping<DeploymentEvent> =>
  mapping(() => {
    const read = readers.get(event)
    if (read === undefined)
      return ignored(`GitHub's '${event}' events tell of no change of a service`)
    const facts = read(new Fields(json))
    return 'sourceId' in facts ? deploymentEvent(arrival, facts) : facts
  })

type Reader = (body: Fields) => DeploymentFacts | Mapping<never>

const deploymentStatus: Reader = (body) => {
  const status = body.object('deployment_status')
  const state = status.text('state')
  if (state === 'inactive') {
    return ignored("'inactive' is said of a deployment that a newer one has replaced")
  }
  const is = deploymentStates.get(state) ?? 'unknown'
  const timestamp = status.time('created_at')
  const facts = ofDeployment(body)
  return {
    ...facts,
    timestamp,
    status: is,
    ...(is === 'running' ? { startedAt: timestamp } : {}),
    ...(is === 'succeeded' || is === 'failed' ? { finishedAt: timestamp } : {}),
    environment: status.optionalText('environment') ?? facts.environment,
    deployedBy: facts.deployedBy ?? status.optionalObject('creator')?.optionalText('login'),
    url:
      status.optionalText('target_url') ??
      status.optionalText('log_url') ??
      status.optionalText('environment_url') ??
      facts.url,
    sourceId: identity(body, status, `deployment status ${status.id('id')}`),
    metadata: {
      ...facts.metadata,
      state,
      description: remark(status.optionalText('description', Infinity)),
      environment_url: status.optionalText('environment_url'),
    },
  }
}

const deployment: Reader = (body) => {
  const action = body.optionalText('action') ?? 'created'
  if (action !== 'created') return ignored(`'${action}' of a deployment is no change of its status`)
  const subject = body.object('deployment')
  return {
    ...ofDeployment(body),
    timestamp: subject.time('created_at'),
    status: 'pending',
    sourceId: identity(body, subject, `deployment ${subject.id('id')}`),
  }
}

const ofDeployment = (body: Fields) => {
  const subject = body.object('deployment')
  const repository = body.object('repository')
  const commit = subject.optionalText('sha')
  const ref = subject.optionalText('ref')
  const task = subject.optionalText('task')
  return {
    service: serviceInPayload(subject.get('payload')) ?? repository.text('name'),
    kind:
      task !== undefined && /rollback/i.test(task)
        ? ('rollback' as const)
        : ('deployment' as const),
    environment: subject.optionalText('environment'),
    version: versionOf(ref, commit),
    commit,
    ref,
    deployedBy: subject.optionalObject('creator')?.optionalText('login'),
    url: repository.optionalText('html_url'),
    source: SOURCE,
    metadata: {
      repository: repository.optionalText('full_name'),
      deployment: subject.id('id'),
      task,
    },
  }
}

/** The deployment's own payload: an object, or JSON in a text. */
const serviceInPayload = (payload: unknown): string | undefined => {
  let value: unknown = payload
  if (typeof value === 'string') {
    try {
      value = JSON.parse(value)
    } catch {
      return undefined
    }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return new Fields(value, 'deployment.payload').optionalText('service')
}

const pullRequest: Reader = (body) => {
  const action = body.text('action')
  const subject = body.object('pull_request')
  if (action !== 'closed' || subject.get('merged') !== true) {
    return ignored(`a pull request changes a service when it is merged, not by '${action}'`)
  }
  const repository = body.object('repository')
  const labels = subject
    .list('labels', 1_000)
    .map((label, index) => new Fields(label, `pull_request.labels[${String(index)}]`).text('name'))
  const commit = subject.optionalText('merge_commit_sha')
  const timestamp = subject.time('merged_at')
  return {
    timestamp,
    service: serviceOfLabels(labels) ?? repository.text('name'),
    status: 'succeeded',
    kind: 'merge',
    version: commit,
    commit,
    ref: subject.optionalObject('base')?.optionalText('ref'),
    deployedBy: subject.optionalObject('merged_by')?.optionalText('login'),
    finishedAt: timestamp,
    url: subject.optionalText('html_url'),
    source: SOURCE,
    sourceId: identity(body, subject, `pull request ${subject.id('number')} merged`),
    metadata: {
      repository: repository.optionalText('full_name'),
      pull_request: subject.id('number'),
      source_branch: remark(subject.optionalObject('head')?.optionalText('ref', Infinity)),
      title: remark(subject.optionalText('title', Infinity)),
    },
  }
}

const workflowRun: Reader = (body) => {
  const run = body.object('workflow_run')
  const repository = body.object('repository')
  const state = run.text('status')
  const conclusion = run.optionalText('conclusion')
  const attempt = run.optionalId('run_attempt') ?? '1'
  const status = statusOfRun(state, conclusion)
  const timestamp = run.time('updated_at')
  const commit = run.optionalText('head_sha')
  return {
    timestamp,
    service: repository.text('name'),
    status,
    kind: 'build',
    version: commit,
    commit,
    ref: run.optionalText('head_branch'),
    deployedBy: run.optionalObject('actor')?.optionalText('login'),
    startedAt: run.optionalTime('run_started_at'),
    finishedAt: state === 'completed' ? timestamp : undefined,
    url: run.optionalText('html_url'),
    source: SOURCE,
    sourceId: identity(
      body,
      run,
      `workflow run ${run.id('id')} attempt ${attempt} ${conclusion ?? state}`,
    ),
    metadata: {
      repository: repository.optionalText('full_name'),
      workflow: remark(run.optionalText('name', Infinity)),
      workflow_run: run.id('id'),
      event: run.optionalText('event'),
    },
  }
}

const statusOfRun = (state: string, conclusion: string | undefined): DeploymentStatus => {
  if (state === 'completed') return conclusions.get(conclusion ?? '') ?? 'unknown'
  return state === 'in_progress' ? 'running' : 'pending'
}

const readers = lookup<Reader>({
  deployment_status: deploymentStatus,
  deployment,
  pull_request: pullRequest,
  workflow_run: workflowRun,
})

/** The repository's address tells github.com and servers of one's own apart. */
const identity = (body: Fields, subject: Fields, what: string): string => {
  const repository = body.object('repository')
  const home = repository.optionalText('html_url') ?? subject.optionalText('url')
  return `${home ?? repository.text('full_name')} ${what}`
}
