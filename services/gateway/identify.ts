/** Who sends a request. */
import type { FastifyRequest } from 'fastify'
import type { Sender } from './ports.ts'

const anonymous: Sender = { tenant: 'default', name: 'anonymous' }

export const identify = (_request: FastifyRequest): Sender => anonymous
