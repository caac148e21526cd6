/** What goes in and out, as JSON schema: validates requests and is the OpenAPI document. */
import Type, { type TProperties, type TSchema } from 'typebox'
import { severities } from '../queries/anomalies.ts'

export const tenantParameter = Type.Optional(
  Type.String({
    maxLength: 200,
    description:
      'Tenant to read. A key or token of one tenant reads that one, named or not; who may read all of them gets `default` without a name.',
  }),
)

const timeText = { maxLength: 40, examples: ['2026-01-31T08:00:00Z', '1769846400000'] }
export const fromParameter = Type.Optional(
  Type.String({
    ...timeText,
    description: 'Begin, inclusive: ISO 8601 (UTC without a zone) or epoch milliseconds.',
  }),
)
export const toParameter = Type.Optional(
  Type.String({
    ...timeText,
    description: 'End, exclusive: ISO 8601 (UTC without a zone) or epoch milliseconds.',
  }),
)

export const cursorParameter = Type.Optional(
  Type.String({
    maxLength: 2000,
    description: 'The `next` of the answer before, with otherwise the same parameters.',
  }),
)

export const limitParameter = (options: { default: number; maximum: number }) =>
  Type.Integer({ ...options, minimum: 1, description: 'Items in one answer, at most.' })

/**
 * Query parameters: unknown ones are refused, since a misspelt filter would silently not filter. One
 * with a default need not be given, and is there all the same once the request is validated.
 */
export const queryOf = <Properties extends TProperties>(properties: Properties) => {
  const required = Object.entries(properties)
    .filter(([, schema]) => !Type.IsOptional(schema) && !('default' in schema))
    .map(([name]) => name)
  return Object.assign(Type.Object(properties, { additionalProperties: false }), { required })
}

export const nullable = <Schema extends TSchema>(schema: Schema) =>
  Type.Union([schema, Type.Null()])

/** JSON has no NaN and no infinity. */
export const jsonNumber = Type.Union(
  [Type.Number(), Type.Literal('NaN'), Type.Literal('Infinity'), Type.Literal('-Infinity')],
  { description: 'A number; NaN and infinities as the strings "NaN", "Infinity", "-Infinity".' },
)

export const isoTime = Type.String({
  format: 'date-time',
  description: 'UTC, with milliseconds.',
  examples: ['2026-01-31T08:00:00.000Z'],
})

export const labels = Type.Record(Type.String(), Type.String(), {
  examples: [{ host: 'web-1', state: 'used' }],
})

export const seriesId = Type.String({
  description: 'Identity of the series: 32 hex digits.',
  examples: ['9f86d081884c7d659a2feaa0c55ad015'],
})

export const seriesParameter = Type.String({
  pattern: '^[0-9a-f]{32}$',
  description: 'Identity of a series: 32 hex digits, as /api/series lists them.',
})

export const severity = Type.Enum([...severities], { description: 'How bad, from mild to worst.' })

export const pageOfItems = <Item extends TSchema>(item: Item) =>
  Type.Object({
    items: Type.Array(item),
    next: nullable(Type.String({ description: 'Cursor of the next page; null on the last one.' })),
  })

export const problem = Type.Object(
  {
    type: Type.String({ examples: ['urn:millrace:problem:invalid-request'] }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.Optional(Type.String({ description: 'Stable; switch on this.' })),
    detail: Type.String({ description: 'What is wrong and the way out.' }),
    instance: Type.String(),
    field: Type.Optional(Type.String()),
    value: Type.Optional(Type.Unknown()),
    limit: Type.Optional(Type.String()),
  },
  {
    description: 'RFC 9457 problem document.',
    examples: [
      {
        type: 'urn:millrace:problem:invalid-request',
        title: 'The request is not valid',
        status: 400,
        code: 'invalid-request',
        detail: 'limit must be at most 1000, but is 5000',
        instance: '/api/anomalies?limit=5000',
        field: 'limit',
        value: 5000,
        limit: 'at most 1000',
      },
    ],
  },
)

/** One answer of this media type, as OpenAPI wants it. */
const problemResponse = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: problem } },
})

export const problemResponses = {
  400: problemResponse('A parameter is wrong; `field`, `value` and `limit` say which and why.'),
  401: problemResponse('No key or token, or one that is not accepted.'),
  403: problemResponse('The key or token is of another tenant, or lacks the role.'),
  422: problemResponse('The question reads more than one answer may.'),
  503: problemResponse(
    'ClickHouse is away, busy or not prepared; `Retry-After` says when to come back.',
  ),
}

export const notFoundResponse = { 404: problemResponse('There is no such thing.') }
