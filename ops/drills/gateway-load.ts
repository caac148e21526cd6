/** Senders that post points one at a time and write down which were acknowledged. */
import { setTimeout as sleep } from 'node:timers/promises'

export interface GatewayLoad {
  /** Names of points that were answered with 200. */
  readonly acknowledged: ReadonlySet<string>
  /** Answers by status; 0 where there was none. */
  readonly answers: ReadonlyMap<number, number>
  stop(): Promise<void>
}

export interface GatewayLoadOptions {
  /** Asked before each request: the gateway may have come back elsewhere. */
  readonly url: () => string
  readonly tenant: string
  readonly senders: number
}

const AFTER_FAILURE_MS = 20

export const startLoad = ({ url, tenant, senders }: GatewayLoadOptions): GatewayLoad => {
  const acknowledged = new Set<string>()
  const answers = new Map<number, number>()
  const stopping = new AbortController()
  let sent = 0
  const post = async (name: string): Promise<number> => {
    const point = { timestamp: Date.now(), metric_name: name, value: 1 }
    try {
      const answer = await fetch(`${url()}/ingest/metrics`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-tenant': tenant },
        body: JSON.stringify(point),
      })
      await answer.arrayBuffer()
      return answer.status
    } catch {
      return 0
    }
  }
  const sender = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      sent += 1
      const name = `point-${String(sent)}`
      const status = await post(name)
      answers.set(status, (answers.get(status) ?? 0) + 1)
      if (status === 200) acknowledged.add(name)
      else await sleep(AFTER_FAILURE_MS)
    }
  }
  const running = Array.from({ length: senders }, sender)
  return {
    acknowledged,
    answers,
    stop: async () => {
      stopping.abort()
      await Promise.all(running)
    },
  }
}
