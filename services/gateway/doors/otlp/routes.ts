/** The paths of OTLP/HTTP, as `/docs` shows them. */
import Type from 'typebox'
import type { RouteShorthandOptions } from 'fastify'
import type { SignalKind } from '../../../shared/identity/principal.ts'
import { ACCEPTED, described } from '../described.ts'
import { MEDIA_TYPES } from './answers.ts'

const resource = {
  attributes: [{ key: 'service.name', value: { stringValue: 'checkout' } }],
}
const timeUnixNano = '1795262400000000000'

const route = (
  writes: SignalKind,
  { summary, example }: { readonly summary: string; readonly example: Record<string, unknown> },
): RouteShorthandOptions => ({
  config: { access: { writes } },
  schema: {
    ...described('OpenTelemetry', {
      summary,
      description: 'As SDKs and Collectors send it: protobuf or JSON, packed by gzip or not.',
      bodies: { [MEDIA_TYPES.json]: example, [MEDIA_TYPES.protobuf]: null },
    }),
    response: {
      200: Type.Object(
        {
          partialSuccess: Type.Optional(
            Type.Object({}, { description: 'How many could not be taken, and why.' }),
          ),
        },
        { description: ACCEPTED },
      ),
    },
  },
})

export const tracesRoute = route('traces', {
  summary: 'Spans',
  example: {
    resourceSpans: [
      {
        resource,
        scopeSpans: [
          {
            spans: [
              {
                traceId: '5b8efff798038103d269b633813fc60c',
                spanId: 'eee19b7ec3c1b174',
                name: 'POST /checkout',
                kind: 2,
                startTimeUnixNano: timeUnixNano,
                endTimeUnixNano: '1795262400108400000',
              },
            ],
          },
        ],
      },
    ],
  },
})

export const metricsRoute = route('metrics', {
  summary: 'Points of metrics',
  example: {
    resourceMetrics: [
      {
        resource,
        scopeMetrics: [
          {
            metrics: [
              {
                name: 'queue.length',
                unit: '{order}',
                gauge: { dataPoints: [{ timeUnixNano, asDouble: 12 }] },
              },
            ],
          },
        ],
      },
    ],
  },
})

export const logsRoute = route('logs', {
  summary: 'Log entries',
  example: {
    resourceLogs: [
      {
        resource,
        scopeLogs: [
          {
            logRecords: [
              { timeUnixNano, severityNumber: 17, body: { stringValue: 'payment declined' } },
            ],
          },
        ],
      },
    ],
  },
})
