/** CloudEvents 1.0 over HTTP: `POST /ingest/cloudevents`, binary, structured, or a batch. */
import type { FastifyRequest } from 'fastify'
import {
  cloudEventBatch,
  cloudEventOfAttributes,
  cloudEventOfEnvelope,
  deploymentOf,
} from '../../../../pipelines/intake/events/cloudevents.ts'
import type { EventArrival, Mapping } from '../../../../pipelines/intake/events/mapping.ts'
import { parseJson } from '../../../../pipelines/intake/json.ts'
import type { DeploymentEvent } from '../../../../schemas/generated/telemetry-deployments.ts'
import { bodyOf } from '../../bodies.ts'
import type { Door } from '../../ports.ts'
import { describedEvents } from '../described.ts'
import { takeEvents } from '../../webhooks/event-answer.ts'
import { headerOf } from '../../webhooks/hook-sender.ts'
import { arrivalOf } from '../../webhooks/said-in-address.ts'

const STRUCTURED = 'application/cloudevents+json'
const BATCH = 'application/cloudevents-batch+json'

const context = {
  specversion: '0.5.1',
  id: '271069a8',
  source: '/ci',
  type: 'dev.cdevents.service.deployed.0.3.0',
  timestamp: '2026-03-01T12:00:00Z',
}
const data = {
  context,
  subject: {
    id: 'checkout',
    content: {
      environment: { id: 'production' },
      artifactId: 'pkg:oci/checkout@sha256%3A0b31?tag=v1.4.0',
    },
  },
}
const { id, source, type } = context
const schema = describedEvents({
  summary: 'CDEvents in CloudEvents',
  description:
    'CDEvents 0.3 to 0.5 in CloudEvents 1.0: `application/json` with `ce-` headers, structured, or in a batch.',
  headers: { 'ce-specversion': '1.0', 'ce-id': id, 'ce-source': source, 'ce-type': type },
  bodies: {
    [STRUCTURED]: { specversion: '1.0', id, source, type, data },
    'application/json': data,
  },
})

export const cloudevents: Door = (scope, ports) => {
  ports.readBodies({
    mediaTypes: ['application/json', STRUCTURED, BATCH],
    encodings: ['gzip', 'deflate', 'br', 'zstd'],
  })
  const config = { access: { writes: 'deployments' } } as const
  scope.post('/ingest/cloudevents', { config, schema }, (request) => {
    const { sender } = request
    const arrival = arrivalOf(request, sender, ports.nowMs())
    const { deployments: records } = ports.records
    const results = eventsOf(request, arrival)
    return takeEvents({ sender, records, results, sizeBytes: bodyOf(request).length }, ports)
  })
}

const eventsOf = (request: FastifyRequest, arrival: EventArrival): Mapping<DeploymentEvent>[] => {
  const json = parseJson(bodyOf(request))
  const mediaType = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  switch (mediaType) {
    case BATCH:
      return cloudEventBatch(json, arrival)
    case STRUCTURED:
      return [deploymentOf(() => cloudEventOfEnvelope(json), arrival)]
    default:
      return [deploymentOf(() => cloudEventOfAttributes(attributeIn(request), json), arrival)]
  }
}

/** Values of headers are percent-encoded where they are not ASCII. */
const attributeIn =
  ({ headers }: FastifyRequest) =>
  (name: string): string | undefined => {
    const value = headerOf(headers, `ce-${name}`)
    try {
      return value === undefined ? undefined : decodeURIComponent(value)
    } catch {
      return value
    }
  }
