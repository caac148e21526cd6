/**
 * Webhooks of GitLab: `POST /ingest/gitlab`.
 *
 * A hook with a signing token is judged by its signature alone (Standard Webhooks, GitLab 19); one
 * without by `X-Gitlab-Token`, which may also be an API key of ours.
 */
import { gitlabEvent } from '../../../../pipelines/intake/events/gitlab.ts'
import { parseJson } from '../../../../pipelines/intake/json.ts'
import { describedEvents } from '../described.ts'
import { hookDoor, type HookRequest } from '../../webhooks/hook-door.ts'
import { headerOf, type HookProof } from '../../webhooks/hook-sender.ts'
import { isFresh, isSameText, isStandardSignature } from '../../webhooks/signature.ts'

const proofOf = ({ headers, body }: HookRequest, nowMs: number): HookProof | undefined => {
  const signature = headerOf(headers, 'webhook-signature')
  if (signature !== undefined) {
    const id = headerOf(headers, 'webhook-id') ?? ''
    const timestamp = headerOf(headers, 'webhook-timestamp') ?? ''
    return {
      name: isFresh(timestamp, nowMs) ? 'webhook-signature' : 'webhook-timestamp',
      isRight: (secret) =>
        isFresh(timestamp, nowMs) &&
        isStandardSignature({ id, timestamp, signature, body }, secret),
    }
  }
  const token = headerOf(headers, 'x-gitlab-token')
  if (token === undefined) return undefined
  return { name: 'X-Gitlab-Token', isRight: (secret) => isSameText(token, secret) }
}

export const gitlab = hookDoor({
  source: 'gitlab',
  url: '/ingest/gitlab',
  schema: describedEvents({
    summary: 'Webhooks of GitLab',
    description:
      'With a signing token or secret token of `GATEWAY_WEBHOOK_SECRETS`, or an API key. Deployments, pipelines, jobs, merge requests and feature flags.',
    bodies: {
      'application/json': {
        object_kind: 'deployment',
        status: 'success',
        status_changed_at: '2026-03-01 14:00:00 +0200',
        deployment_id: 15,
        environment: 'production',
        project: { path_with_namespace: 'shop/checkout' },
      },
    },
  }),
  mediaTypes: ['application/json'],
  proofOf,
  eventOf: ({ headers, body }, arrival) => {
    const deliveryId =
      headerOf(headers, 'idempotency-key') ?? headerOf(headers, 'x-gitlab-event-uuid')
    return gitlabEvent(parseJson(body), arrival, { deliveryId })
  },
})
