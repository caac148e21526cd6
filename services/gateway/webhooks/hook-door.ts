/** What the doors of GitLab, GitHub and Argo CD have in common: a body that may be signed, and one event in it. */
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest, FastifySchema } from 'fastify'
import type { EventArrival, Mapping } from '../../../pipelines/intake/events/mapping.ts'
import type { DeploymentEvent } from '../../../schemas/generated/telemetry-deployments.ts'
import type { Principal } from '../../shared/identity/principal.ts'
import { bodyOf } from '../bodies.ts'
import type { Door } from '../ports.ts'
import { takeEvents } from './event-answer.ts'
import { hookSender, type HookProof } from './hook-sender.ts'
import { arrivalOf } from './said-in-address.ts'
import type { HookSource } from './webhook-secrets.ts'

/** Deployments take some kB; a pipeline of GitLab with thousands of jobs some MB. */
const BODY_BYTES = 5 * 1024 * 1024

export interface HookRequest {
  readonly headers: IncomingHttpHeaders
  /** As it came, since signatures cover it. */
  readonly body: Buffer
}

export interface Hook {
  readonly source: HookSource
  readonly url: string
  readonly schema: FastifySchema
  readonly mediaTypes: readonly string[]
  /** What the request shows; undefined when it shows nothing. */
  readonly proofOf: (request: HookRequest, nowMs: number) => HookProof | undefined
  /** @throws BadInput */
  readonly eventOf: (request: HookRequest, arrival: EventArrival) => Mapping<DeploymentEvent>
}

/** The guard asks no key of who has none: a signature can only be judged when the body is here. */
const config = { access: { writes: 'deployments', signed: true } } as const

export const hookDoor =
  ({ source, url, schema, mediaTypes, proofOf, eventOf }: Hook): Door =>
  (scope, ports) => {
    const { records, nowMs } = ports
    // Signatures cover the body as it was sent, so it must not be packed.
    ports.readBodies({ mediaTypes, encodings: [], limitBytes: BODY_BYTES })
    scope.post(url, { config, schema }, (request) => {
      const hook = { headers: request.headers, body: bodyOf(request) }
      const sender = hookSender({
        source,
        secrets: ports.webhookSecrets.of(source),
        proof: proofOf(hook, nowMs()),
        guarded: guardedIn(request),
      })
      const event = eventOf(hook, arrivalOf(request, sender, nowMs()))
      const batch = {
        sender,
        records: records.deployments,
        results: [event],
        sizeBytes: hook.body.length,
      }
      return takeEvents(batch, ports)
    })
  }

const guardedIn = (request: { readonly principal?: Principal } & FastifyRequest) =>
  request.principal
