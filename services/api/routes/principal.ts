/** GET /api/principal: who asks, as this server sees it. */
import Type from 'typebox'
import { ROLES, SIGNAL_KINDS } from '../../shared/identity/principal.ts'
import type { ApiInstance } from '../ports.ts'
import * as schema from './schemas.ts'

const answer = Type.Object({
  via: Type.Enum(['key', 'token', 'signature', 'anonymous']),
  name: Type.String(),
  tenants: Type.String({ description: 'The tenant; `*` for all.' }),
  roles: Type.Array(Type.Enum([...ROLES])),
  kinds: Type.Array(Type.Enum([...SIGNAL_KINDS]), {
    description: 'Telemetry that may be written.',
  }),
})

export const principalRoutes = (app: ApiInstance): void => {
  app.get(
    '/api/principal',
    {
      config: { access: { role: 'viewer' } },
      schema: {
        tags: ['identity'],
        summary: 'Who asks: what the key or token stands for',
        response: { 200: answer, ...schema.problemResponses },
      },
    },
    ({ principal: { via, name, tenants, roles, kinds } }) => ({
      via,
      name,
      tenants,
      roles: [...roles],
      kinds: [...kinds],
    }),
  )
}
