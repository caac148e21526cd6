/** Webhooks of GitHub: `POST /ingest/github`, signed over the body as it came. */
import { BadInput } from '../../../../pipelines/intake/bad-input.ts'
import { githubEvent } from '../../../../pipelines/intake/events/github.ts'
import { parseJson } from '../../../../pipelines/intake/json.ts'
import { describedEvents } from '../described.ts'
import { hookDoor, type HookRequest } from '../../webhooks/hook-door.ts'
import { headerOf, type HookProof } from '../../webhooks/hook-sender.ts'
import { isGithubSignature } from '../../webhooks/signature.ts'

/** What GitHub sends unless JSON is chosen: a form whose field `payload` is the JSON. */
const FORM = 'application/x-www-form-urlencoded'

const proofOf = ({ headers, body }: HookRequest): HookProof | undefined => {
  const signature = headerOf(headers, 'x-hub-signature-256')
  if (signature === undefined) return undefined
  return {
    name: 'X-Hub-Signature-256',
    isRight: (secret) => isGithubSignature(signature, body, secret),
  }
}

const jsonOf = ({ headers, body }: HookRequest): unknown => {
  if (headers['content-type']?.toLowerCase().startsWith(FORM) !== true) return parseJson(body)
  const payload = new URLSearchParams(body.toString('utf8')).get('payload')
  if (payload === null) throw new BadInput('payload', undefined, 'given, as JSON in a field')
  return parseJson(Buffer.from(payload, 'utf8'))
}

export const github = hookDoor({
  source: 'github',
  url: '/ingest/github',
  schema: describedEvents({
    summary: 'Webhooks of GitHub',
    description:
      'Signed with a secret of `GATEWAY_WEBHOOK_SECRETS`, or with an API key. Deployments, their statuses, merged pull requests and workflow runs.',
    headers: { 'x-github-event': 'deployment_status' },
    bodies: {
      'application/json': {
        deployment: {
          id: 42,
          sha: '1f0e3dad99908345f7439f8ffabdffc4c04b2d9a',
          ref: 'main',
          environment: 'production',
        },
        deployment_status: { id: 4711, state: 'success', created_at: '2026-03-01T12:00:00Z' },
        repository: { name: 'checkout', full_name: 'shop/checkout' },
      },
    },
  }),
  mediaTypes: ['application/json', FORM],
  proofOf,
  eventOf: (request, arrival) => {
    const event = headerOf(request.headers, 'x-github-event')
    if (event === undefined) throw new BadInput('x-github-event', undefined, 'given, as a header')
    return githubEvent(event, jsonOf(request), arrival)
  },
})
