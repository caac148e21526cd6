/** Whatever is sent, a mapping answers: a record, a reason, or a field. fast-check prints the seed of a failure. */
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { RecordEncoder } from '../../runtime/avro/index.ts'
import { alertSchema } from '../../../schemas/generated/telemetry-alerts.ts'
import { deploymentEventSchema } from '../../../schemas/generated/telemetry-deployments.ts'
import { alertmanagerAlerts } from './alertmanager.ts'
import { argocdEvent } from './argocd.ts'
import { cdEvent } from './cdevents.ts'
import { githubEvent } from './github.ts'
import { gitlabEvent } from './gitlab.ts'
import type { EventArrival, Mapping } from './mapping.ts'
import * as hooks from './testing/hooks.ts'

const arrival: EventArrival = { tenant: 'default', receivedAtMs: Date.UTC(2026, 2, 1, 12) }
const deployments = new RecordEncoder({ schema: deploymentEventSchema, schemaId: 1 })
const alerts = new RecordEncoder({ schema: alertSchema, schemaId: 1 })

/** One member of it, at any depth, replaced. */
const spoilt = (json: unknown, path: readonly number[], value: unknown): unknown => {
  const [step, ...rest] = path
  if (step === undefined || typeof json !== 'object' || json === null) return value
  const entries = Object.entries(json)
  const at = step % Math.max(entries.length, 1)
  const changed = entries.map(([key, old], index) => [
    key,
    index === at ? spoilt(old, rest, value) : (old as unknown),
  ])
  return Array.isArray(json) ? changed.map(([, each]) => each) : Object.fromEntries(changed)
}

const path = fc.array(fc.nat(20), { minLength: 1, maxLength: 4 })
const variants = (...examples: readonly unknown[]) =>
  fc.oneof(
    fc.jsonValue(),
    fc
      .tuple(fc.constantFrom(...examples), path, fc.jsonValue())
      .map(([json, where, value]) => spoilt(json, where, value)),
  )

const sources: readonly {
  readonly title: string
  readonly json: fc.Arbitrary<unknown>
  readonly map: (json: unknown) => readonly Mapping<unknown>[]
  readonly encoder: { encode(value: unknown): unknown }
}[] = [
  {
    title: 'GitLab',
    json: variants(
      hooks.gitlabDeployment,
      hooks.gitlabPipeline,
      hooks.gitlabJob,
      hooks.gitlabMergeRequest,
      hooks.gitlabFeatureFlag,
    ),
    map: (json) => [gitlabEvent(json, arrival, { deliveryId: undefined })],
    encoder: deployments,
  },
  {
    title: 'GitHub',
    json: variants(hooks.githubDeploymentStatus, hooks.githubPullRequest, hooks.githubWorkflowRun),
    map: (json) =>
      ['deployment_status', 'deployment', 'pull_request', 'workflow_run'].map((name) =>
        githubEvent(name, json, arrival),
      ),
    encoder: deployments,
  },
  {
    title: 'Argo CD',
    json: variants(hooks.argocdDeployed),
    map: (json) => [argocdEvent(json, arrival)],
    encoder: deployments,
  },
  {
    title: 'CDEvents',
    json: variants(
      hooks.cdEvent04,
      hooks.cdEvent05,
      hooks.cdEventOf('pipelinerun.finished', { id: '1', content: { outcome: 'error' } }),
    ),
    map: (json) => [cdEvent(json, arrival)],
    encoder: deployments,
  },
  {
    title: 'Alertmanager',
    json: variants(hooks.alertmanagerGroup),
    map: (json) => alertmanagerAlerts(json, arrival),
    encoder: alerts,
  },
]

describe.each(sources)('$title', ({ json, map, encoder }) => {
  it('answers whatever is sent, and what it maps can be written', () => {
    fc.assert(
      fc.property(json, (body) => {
        for (const result of map(body)) if (result.kind === 'mapped') encoder.encode(result.value)
      }),
      { numRuns: 1_000 },
    )
  })
})
