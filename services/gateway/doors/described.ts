/** What `/docs` shows of a door. Doors judge what comes themselves; these schemas only describe. */
import Type from 'typebox'
import type { FastifySchema } from 'fastify'

interface Description {
  readonly summary: string
  readonly description: string
  /** An example by media type; null: bytes. */
  readonly bodies: Readonly<Record<string, Readonly<Record<string, unknown>> | null>>
  /** An example by name. */
  readonly headers?: Readonly<Record<string, string>>
}

export const described = (
  tag: 'Prometheus' | 'OpenTelemetry' | 'webhooks',
  { summary, description, bodies, headers = {} }: Description,
): FastifySchema => {
  return {
    tags: [tag],
    summary,
    description,
    headers: Type.Object(textsLike(headers)),
    body: { content: contentOf(bodies) },
  }
}

const contentOf = (bodies: Description['bodies']): Record<string, { schema: Type.TSchema }> => {
  const content: Record<string, { schema: Type.TSchema }> = {}
  for (const [mediaType, example] of Object.entries(bodies)) {
    const schema =
      example === null
        ? Type.String({ format: 'binary' })
        : Type.Object({}, { examples: [example] })
    content[mediaType] = { schema }
  }
  return content
}

const textsLike = (examples: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(examples).map(([name, example]) => [
      name,
      Type.Optional(Type.String({ examples: [example] })),
    ]),
  )

export const ACCEPTED = 'Kafka has all that could be taken.'

const text = (description: string) => Type.Optional(Type.String({ description }))

/** Events of other systems, in JSON. */
export const describedEvents = (description: Description): FastifySchema => ({
  ...described('webhooks', description),
  querystring: Type.Object({
    service: text('Which service it is about, whatever the event says.'),
    environment: text('Where that is, likewise.'),
  }),
  response: {
    200: Type.Object(
      {
        status: Type.Union([Type.Literal('accepted'), Type.Literal('ignored')]),
        ids: Type.Array(Type.String(), { description: 'Records that are in Kafka now.' }),
        ignored: Type.Optional(
          Type.Array(Type.String(), { description: 'Why nothing was written for the others.' }),
        ),
      },
      { description: ACCEPTED },
    ),
  },
})
