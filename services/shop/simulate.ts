/** The paths by which faults are ordered: `/simulate/delay|error|clear|status`. */
import Type from 'typebox'
import { invalidParameter } from '../shared/problem.ts'
import type { ShopScope } from './app.ts'
import { ENDPOINTS, type Endpoint, type Faults, MAX_DELAY_MS } from './faults.ts'

const text = (description: string) => Type.Optional(Type.String({ description }))
const endpointText = text(`One of ${ENDPOINTS.join(', ')}`)

export const simulateRoutes = (app: ShopScope, faults: Faults): void => {
  const delay = Type.Object({ endpoint: endpointText, duration: text('Milliseconds; 0: none') })
  app.post('/simulate/delay', { schema: { querystring: delay } }, ({ query, log }) => {
    const endpoint = endpointIn(query.endpoint)
    const limit = `a whole number of milliseconds from 0 to ${String(MAX_DELAY_MS)}`
    const durationMs = numberIn('duration', query.duration, {
      limit,
      max: MAX_DELAY_MS,
      whole: true,
    })
    faults.delay(endpoint, durationMs)
    log.warn({ endpoint, durationMs }, 'a delay is simulated')
    return { endpoint, duration: durationMs, active: faults.status() }
  })

  const error = Type.Object({ endpoint: endpointText, rate: text('Share of requests, 0 to 1') })
  app.post('/simulate/error', { schema: { querystring: error } }, ({ query, log }) => {
    const endpoint = endpointIn(query.endpoint)
    const limit = 'a share from 0 to 1'
    const rate = numberIn('rate', query.rate, { limit, max: 1, whole: false })
    faults.fail(endpoint, rate)
    log.warn({ endpoint, rate }, 'errors are simulated')
    return { endpoint, rate, active: faults.status() }
  })

  app.post('/simulate/clear', ({ log }) => {
    faults.clear()
    log.info('nothing is simulated any more')
    return { active: faults.status() }
  })

  app.get('/simulate/status', () => ({ active: faults.status() }))
}

const endpointIn = (value: string | undefined): Endpoint => {
  const path = value?.startsWith('/') === false ? `/${value}` : value
  const known = ENDPOINTS.find((endpoint) => endpoint === path)
  if (known !== undefined) return known
  throw invalidParameter({ field: 'endpoint', value, limit: `one of ${ENDPOINTS.join(', ')}` })
}

interface Range {
  readonly limit: string
  readonly max: number
  readonly whole: boolean
}

const numberIn = (
  field: string,
  value: string | undefined,
  { limit, max, whole }: Range,
): number => {
  const text = value?.trim() ?? ''
  const number = /^[0-9]*\.?[0-9]+$/.test(text) ? Number(text) : Number.NaN
  if (number <= max && (!whole || Number.isInteger(number))) return number
  throw invalidParameter({ field, value, limit })
}
