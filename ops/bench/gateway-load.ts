/**
 * The sender, as a process of its own: so many requests by so many connections, each of which sends
 * when its last request has been answered. Says `{}` when it has warmed up, and what it measured at
 * its end.
 *
 *   node gateway-load.ts CASE PORT TENANT WARM_UP_POINTS POINTS
 */
import { HttpConnection } from './http-connection.ts'
import type { GatewayCaseName } from './gateway-case-names.ts'
import { gatewayCase } from './gateway-cases.ts'
import { ownCpuSeconds } from './process-figures.ts'
import { quantile } from './statistics.ts'

export interface LoadFigures {
  readonly requests: number
  readonly points: number
  /** Acknowledged with those of the warm-up. */
  readonly all_points: number
  readonly seconds: number
  readonly p50_ms: number
  readonly p95_ms: number
  readonly p99_ms: number
  readonly cpu_seconds: number
  /** Answers that asked to come again: those requests were sent once more. */
  readonly asked_to_wait: number
}

const HOUR_MS = 3_600_000
const PATIENCE_MS = 200

const [name, port, tenant, warmUpPoints, points] = process.argv.slice(2)
const sent = gatewayCase(name as GatewayCaseName, Date.now() - HOUR_MS)
const connections = await Promise.all(
  Array.from({ length: sent.connections }, () => HttpConnection.open(Number(port))),
)
let next = 0
let askedToWait = 0

const send = async (connection: HttpConnection, until: number, tookMs: number[]): Promise<void> => {
  while (next < until) {
    const request = sent.requestOf(next++)
    const headers = [...request.headers, `x-scope-orgid: ${tenant}`]
    const startedAtMs = performance.now()
    for (;;) {
      const { status, text } = await connection.post({ ...request, headers })
      if (status >= 200 && status < 300) break
      if (status !== 429 && status !== 503) throw new Error(`answered ${status}: ${text}`)
      askedToWait += 1
      await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))
    }
    tookMs.push(performance.now() - startedAtMs)
  }
}

const sendAll = async (count: number) => {
  const tookMs: number[] = []
  const until = next + Math.ceil(count / sent.pointsPerRequest)
  const startedAtMs = performance.now()
  await Promise.all(connections.map((connection) => send(connection, until, tookMs)))
  return { tookMs, seconds: (performance.now() - startedAtMs) / 1_000 }
}

await sendAll(Number(warmUpPoints))
process.stdout.write('{}\n')
const cpuBefore = ownCpuSeconds()
const { tookMs, seconds } = await sendAll(Number(points))
for (const connection of connections) connection.close()
const figures: LoadFigures = {
  requests: tookMs.length,
  points: tookMs.length * sent.pointsPerRequest,
  all_points: next * sent.pointsPerRequest,
  seconds,
  p50_ms: quantile(tookMs, 0.5),
  p95_ms: quantile(tookMs, 0.95),
  p99_ms: quantile(tookMs, 0.99),
  cpu_seconds: ownCpuSeconds() - cpuBefore,
  asked_to_wait: askedToWait,
}
process.stdout.write(`${JSON.stringify(figures)}\n`)
