/**
 * Notifications of Argo CD, in the body that ops/ci-templates/argocd-notifications.yaml makes.
 *
 * Argo CD tells of an application, not of an event. What it says (revision, phase, health, when) is
 * the identity: the same again is the same event.
 */
import type {
  DeploymentEvent,
  DeploymentStatus,
} from '../../../schemas/generated/telemetry-deployments.ts'
import { Fields } from '../fields.ts'
import { lookup } from '../lookup.ts'
import { remark } from './change-words.ts'
import { deploymentEvent } from './deployment-event.ts'
import { mapping, type EventArrival, type Mapping } from './mapping.ts'

export const argocdEvent = (json: unknown, arrival: EventArrival): Mapping<DeploymentEvent> =>
  mapping(() => {
    const body = new Fields(withoutHoles(json))
    const app = body.text('app')
    const namespace = body.optionalText('ns')
    const phase = body.optionalText('phase')
    const health = body.optionalText('health')
    if (phase === undefined && health === undefined)
      throw body.bad('phase', "Argo CD's phase of the sync")
    const revision = body.optionalText('revision')
    const startedAt = body.optionalTime('startedAt')
    const finishedAt = body.optionalTime('finishedAt')
    const healthAt = body.optionalTime('healthAt')
    const status = statusOf(phase, health)
    // Health goes on changing after the sync: what went bad a day later did not fail a day ago.
    const isHealth = phase === 'Succeeded' && health === 'Degraded'
    const timestamp = isHealth ? healthAt : status === 'running' ? startedAt : finishedAt
    const told = [app, namespace, revision, phase, health, timestamp].map((part) => part ?? '-')
    return deploymentEvent(arrival, {
      timestamp: timestamp ?? arrival.receivedAtMs,
      service: body.optionalText('service') ?? app,
      status,
      kind: 'deployment',
      environment: body.optionalText('environment') ?? namespace,
      version: body.optionalText('version') ?? revision,
      commit: revision !== undefined && /^[0-9a-f]{7,64}$/.test(revision) ? revision : undefined,
      ref: body.optionalText('targetRevision'),
      deployedBy: body.optionalText('actor'),
      startedAt,
      finishedAt: status === 'running' ? undefined : finishedAt,
      url: body.optionalText('url'),
      source: 'argocd',
      sourceId: told.join(' '),
      metadata: {
        app,
        namespace,
        phase,
        health,
        project: body.optionalText('project'),
        repository: body.optionalText('repository'),
        message: remark(body.optionalText('message', Infinity)),
      },
    })
  })

/** What Go's templates write for a value that is not there: a sync that runs has not finished. */
const NO_VALUE = '<no value>'

const withoutHoles = (json: unknown): unknown =>
  typeof json === 'object' && json !== null && !Array.isArray(json)
    ? Object.fromEntries(Object.entries(json).filter(([, value]) => value !== NO_VALUE))
    : json

/** A sync that has succeeded is done when what it made is healthy. */
const statusOf = (phase: string | undefined, health: string | undefined): DeploymentStatus => {
  switch (phase) {
    case 'Running':
      return 'running'
    case 'Failed':
    case 'Error':
      return 'failed'
    case 'Terminating':
      return 'cancelled'
    case 'Succeeded':
      return outcomes.get(health ?? 'Healthy') ?? 'unknown'
    default:
      return health === 'Degraded' ? 'failed' : 'unknown'
  }
}

const outcomes = lookup<DeploymentStatus>({
  Healthy: 'succeeded',
  Degraded: 'failed',
  Progressing: 'running',
  // A rollout that waits between two of its steps.
  Suspended: 'running',
})
