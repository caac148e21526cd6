/** The paths of plain JSON, as `/docs` shows them. */
import Type from 'typebox'
import type { RouteShorthandOptions } from 'fastify'
import { ACCEPTED } from '../described.ts'
import type { SignalKind } from '../../../shared/identity/principal.ts'

const timestamp = Type.Unsafe<string | number>({
  anyOf: [{ type: 'string' }, { type: 'number' }],
  description: 'ISO 8601, or seconds or milliseconds since 1970; at most 60 s ahead of now.',
  examples: ['2026-11-21T12:00:00Z'],
})

const texts = (description: string, example: Readonly<Record<string, string>>) =>
  Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description, examples: [example] }))

const metric = Type.Object({
  timestamp,
  metric_name: Type.String({ minLength: 1, examples: ['request_latency_ms'] }),
  value: Type.Number({ examples: [108.4] }),
  labels: texts('At most 64; with the name they identify the series.', {
    service: 'checkout',
    environment: 'production',
  }),
  unit: Type.Optional(Type.String({ description: 'UCUM', examples: ['ms'] })),
})

const log = Type.Object({
  timestamp,
  level: Type.Optional(Type.String({ examples: ['ERROR'] })),
  message: Type.String({ examples: ['payment declined'] }),
  service: Type.String({ examples: ['checkout'] }),
  labels: texts('At most 128.', { component: 'payment' }),
  environment: Type.Optional(Type.String({ examples: ['production'] })),
  trace_id: Type.Optional(
    Type.String({ description: '32 hex digits', examples: ['5b8efff798038103d269b633813fc60c'] }),
  ),
  span_id: Type.Optional(
    Type.String({ description: '16 hex digits', examples: ['eee19b7ec3c1b174'] }),
  ),
})

const deployment = Type.Object({
  timestamp,
  service: Type.String({ examples: ['checkout'] }),
  version: Type.String({ examples: ['v2.3.1'] }),
  status: Type.String({
    description:
      'pending, running, succeeded, failed, cancelled, rolled_back, or what tools say for them.',
    examples: ['success'],
  }),
  environment: Type.Optional(Type.String({ examples: ['production'] })),
  id: Type.Optional(
    Type.String({
      description: 'Identity of the event; without it its content is.',
      examples: ['release-2.3.1'],
    }),
  ),
  metadata: texts('`commit`, `deployed_by`, and what else there is to say.', {
    commit: '4f9c2ab',
    deployed_by: 'ada',
  }),
})

const answer = Type.Object(
  {
    status: Type.Literal('accepted'),
    accepted: Type.Integer({ description: 'Kafka has acknowledged so many.' }),
    rejectedCount: Type.Integer(),
    rejected: Type.Array(
      Type.Object({
        index: Type.Integer({ description: 'Place in the array.' }),
        field: Type.String(),
        value: Type.Unknown(),
        limit: Type.String({ description: 'What it must be.' }),
      }),
      { description: 'The first hundred.' },
    ),
  },
  { description: ACCEPTED },
)

const route = (
  writes: SignalKind,
  { summary, item }: { readonly summary: string; readonly item: Type.TSchema },
): RouteShorthandOptions => ({
  config: { access: { writes } },
  schema: {
    tags: ['plain JSON'],
    summary,
    body: Type.Union([item, Type.Array(item)]),
    response: { 200: answer },
  },
})

export const metricsRoute = route('metrics', { summary: 'Points of metrics', item: metric })
export const logsRoute = route('logs', { summary: 'Log entries', item: log })
export const deploymentRoute = route('deployments', {
  summary: 'Deployments and other changes of services',
  item: deployment,
})
