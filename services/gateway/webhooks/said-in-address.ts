/** What the address or a header says of an event besides its body: which service, which environment. */
import type { FastifyRequest } from 'fastify'
import { BadInput } from '../../../pipelines/intake/bad-input.ts'
import { MAX_SERVICE } from '../../../pipelines/intake/events/deployment-event.ts'
import type { EventArrival } from '../../../pipelines/intake/events/mapping.ts'
import type { Sender } from '../ports.ts'

/** @throws BadInput */
export const arrivalOf = (
  request: FastifyRequest,
  sender: Sender,
  nowMs: number,
): EventArrival => ({
  tenant: sender.tenant,
  receivedAtMs: nowMs,
  service: said(request, 'service'),
  environment: said(request, 'environment'),
})

/** The address wins: that is where each hook has its own. */
const said = ({ query, headers }: FastifyRequest, field: string): string | undefined => {
  const isAsked = typeof query === 'object' && query !== null && Object.hasOwn(query, field)
  const value: unknown = isAsked ? Reflect.get(query, field) : headers[`x-millrace-${field}`]
  if (value === undefined) return undefined
  if (typeof value === 'string' && value !== '' && value.length <= MAX_SERVICE) return value
  throw new BadInput(field, value, `given once, with 1 to ${String(MAX_SERVICE)} characters`)
}
