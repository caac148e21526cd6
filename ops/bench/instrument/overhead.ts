/**
 * What the instrument costs a request: the same small service without it, with it, and with OpenTelemetry's own
 * instrumentation where that is installed, in turn.
 *
 *   node ops/bench/instrument/overhead.ts [--requests N] [--runs N] [--app fastify|express|http]
 *
 * One request at a time over one connection: nothing waits for anything else, so latency is what a request costs. CPU
 * is that of the service's process, sending included.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { median, quantile } from '../statistics.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Node's options for each way to run the service. */
const ways = {
  without: [],
  instrument: ['--import', here('../../../services/instrument/index.ts')],
  'instrument, nothing sampled': ['--import', here('../../../services/instrument/index.ts')],
} as const
type Way = keyof typeof ways

interface Run {
  readonly p50Us: number
  readonly p99Us: number
  readonly cpuUs: number
}

const cpuOf = async (child: ChildProcess): Promise<number> => {
  const answered = once(child, 'message') as Promise<[NodeJS.CpuUsage]>
  child.send('cpu')
  const [{ user, system }] = await answered
  return user + system
}

const ask = async (url: string, agent: Agent): Promise<void> => {
  const [response] = (await once(get(url, { agent }), 'response')) as [IncomingMessage]
  response.resume()
  await once(response, 'end')
}

const measure = async (way: Way, app: string, requests: number, sink: string): Promise<Run> => {
  const child = fork(here('app.mjs'), [app], {
    execArgv: [...ways[way]],
    env: {
      ...process.env,
      OTEL_EXPORTER_OTLP_ENDPOINT: sink,
      OTEL_SERVICE_NAME: 'measured',
      OTEL_TRACES_SAMPLER: way === 'instrument' ? 'always_on' : 'always_off',
    },
  })
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const url = `http://127.0.0.1:${String(port)}/orders/4711`
  try {
    for (let n = 0; n < requests / 4; n += 1) await ask(url, agent)
    const cpuBefore = await cpuOf(child)
    const latenciesUs = new Float64Array(requests)
    for (let n = 0; n < requests; n += 1) {
      const startedMs = performance.now()
      await ask(url, agent)
      latenciesUs[n] = (performance.now() - startedMs) * 1_000
    }
    const cpuUs = ((await cpuOf(child)) - cpuBefore) / requests
    const values = [...latenciesUs]
    return { p50Us: quantile(values, 0.5), p99Us: quantile(values, 0.99), cpuUs }
  } finally {
    agent.destroy()
    child.kill()
    await once(child, 'exit')
  }
}

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '8000' },
    runs: { type: 'string', default: '5' },
    app: { type: 'string' },
  },
})
/** Takes everything and looks at nothing. */
const sink = createServer((request, response) => {
  request.resume().on('end', () => response.end('{}'))
}).listen(0, '127.0.0.1')
await once(sink, 'listening')
const sinkUrl = `http://127.0.0.1:${String((sink.address() as AddressInfo).port)}`
const names = Object.keys(ways) as Way[]
for (const app of values.app === undefined ? ['http', 'fastify', 'express'] : [values.app]) {
  const runs = new Map<Way, Run[]>(names.map((way) => [way, []]))
  for (let run = 0; run < Number(values.runs); run += 1) {
    for (const way of names) {
      runs.get(way)?.push(await measure(way, app, Number(values.requests), sinkUrl))
    }
  }
  console.log(
    `${app}, medians of ${values.runs} runs in turn, load ${loadavg()[0]?.toFixed(1) ?? ''}`,
  )
  for (const [way, all] of runs) {
    const of = (field: keyof Run): string => median(all.map((one) => one[field])).toFixed(0)
    console.log(
      `  ${way.padEnd(28)} p50 ${of('p50Us')} us  p99 ${of('p99Us')} us  CPU ${of('cpuUs')} us/request`,
    )
  }
}
sink.close()
sink.closeAllConnections()
