/** Tells the gateway that the shop's services were deployed, as a pipeline would at the end of a deployment. */
import type { Logger } from '../shared/logger.ts'
import { retry } from '../shared/retry.ts'
import { SERVICES } from './app.ts'

const ANSWER_MS = 10_000

export interface Deployment {
  readonly gatewayUrl: string
  /** As they are when it is told. */
  readonly headers: () => Readonly<Record<string, string>>
  readonly version: string
  readonly environment: string
  readonly signal: AbortSignal
  readonly logger: Logger
}

/** Tried until it is taken; repetitions have the same identity. */
export const tellDeployed = async (deployment: Deployment): Promise<void> => {
  const { gatewayUrl, headers, version, environment, signal, logger } = deployment
  const nowMs = Date.now()
  const events = SERVICES.map((service) => ({
    id: `shop-start-${service}-${String(nowMs)}`,
    timestamp: new Date(nowMs).toISOString(),
    service,
    version,
    environment,
    status: 'succeeded',
    metadata: { deployed_by: 'demo' },
  }))
  const post = async (): Promise<void> => {
    const response = await fetch(`${gatewayUrl}/ingest/deployment`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers() },
      body: JSON.stringify(events),
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    })
    const answer = await response.text()
    if (!response.ok) throw new Error(`the gateway answered ${String(response.status)}: ${answer}`)
  }
  try {
    await retry({ what: 'the gateway', attempt: post, signal, deadlineMs: 60_000, maxMs: 5_000 })
  } catch (error) {
    if (!signal.aborted) logger.warn({ err: error }, 'the deployment could not be told')
  }
}
