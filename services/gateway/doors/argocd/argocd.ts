/** Notifications of Argo CD: `POST /ingest/argocd`, with an API key, or a shared text in `X-Millrace-Token`. */
import { argocdEvent } from '../../../../pipelines/intake/events/argocd.ts'
import { parseJson } from '../../../../pipelines/intake/json.ts'
import { hookDoor } from '../../webhooks/hook-door.ts'
import { headerOf } from '../../webhooks/hook-sender.ts'
import { isSameText } from '../../webhooks/signature.ts'

export const argocd = hookDoor({
  source: 'argocd',
  url: '/ingest/argocd',
  // Without a header of its own, Argo CD names no type.
  mediaTypes: ['application/json', 'text/plain', ''],
  proofOf: ({ headers }) => {
    const token = headerOf(headers, 'x-millrace-token')
    if (token === undefined) return undefined
    return { name: 'X-Millrace-Token', isRight: (secret) => isSameText(token, secret) }
  },
  eventOf: ({ body }, arrival) => argocdEvent(parseJson(body), arrival),
})
