/** OpenAPI 3.1 at /docs/json and its page at /docs, both served from the server itself. */
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { openRoutes } from './identity/guard.ts'

export interface Documentation {
  readonly title: string
  readonly description: string
  readonly tags: readonly { readonly name: string; readonly description: string }[]
}

/** To be called before the first route is declared. */
export const serveDocs = async (
  app: Pick<FastifyInstance, 'register'>,
  { title, description, tags }: Documentation,
): Promise<void> => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title, version: '1', description },
      components: {
        securitySchemes: {
          key: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
          token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        },
      },
      security: [{ key: [] }, { token: [] }, {}],
      tags: [...tags],
    },
  })
  await app.register(async (open) => {
    openRoutes(open)
    await open.register(swaggerUi, {
      routePrefix: '/docs',
      // The default speaks of validator.swagger.io: this page must not call anybody.
      uiConfig: { validatorUrl: null, deepLinking: true },
      staticCSP: {
        'default-src': ["'self';"],
        'script-src': ["'self';"],
        'style-src': ["'self' 'unsafe-inline';"],
        'img-src': ["'self' data:;"],
        'base-uri': ["'none';"],
        'frame-ancestors': ["'none';"],
      },
    })
  })
}
