/** Notifications of Argo CD: `POST /ingest/argocd`, with an API key, or a shared text in `X-Millrace-Token`. */
import { argocdEvent } from '../../../../pipelines/intake/events/argocd.ts'
import { parseJson } from '../../../../pipelines/intake/json.ts'
import { describedEvents } from '../described.ts'
import { hookDoor } from '../../webhooks/hook-door.ts'
import { headerOf } from '../../webhooks/hook-sender.ts'
import { isSameText } from '../../webhooks/signature.ts'

export const argocd = hookDoor({
  source: 'argocd',
  url: '/ingest/argocd',
  schema: describedEvents({
    summary: 'Notifications of Argo CD',
    description: 'With an API key, or a secret of `GATEWAY_WEBHOOK_SECRETS` in `X-Millrace-Token`.',
    bodies: {
      'application/json': {
        app: 'checkout',
        ns: 'shop',
        revision: '1f0e3dad99908345f7439f8ffabdffc4c04b2d9a',
        phase: 'Succeeded',
        health: 'Healthy',
        finishedAt: '2026-03-01T12:00:00Z',
      },
    },
  }),
  // Without a header of its own, Argo CD names no type.
  mediaTypes: ['application/json', 'text/plain', ''],
  proofOf: ({ headers }) => {
    const token = headerOf(headers, 'x-millrace-token')
    if (token === undefined) return undefined
    return { name: 'X-Millrace-Token', isRight: (secret) => isSameText(token, secret) }
  },
  eventOf: ({ body }, arrival) => argocdEvent(parseJson(body), arrival),
})
