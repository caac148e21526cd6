/** The Node processes of the local stack, as data: what `up` starts once the servers are healthy. */
import process from 'node:process'
import { fileURLToPath } from 'node:url'

import type { PortName, ProcessSpec, RunningServers } from '../../../infra/local/index.ts'
import { httpAnswers } from '../../../infra/local/index.ts'
import { isService } from './run-service.ts'

export interface NodeService {
  readonly name: string
  /** Where its /readyz is. */
  readonly port: PortName
  /** Bound of its heap; resident memory is some 50 MB more. */
  readonly heapMegabytes: number
  /** The environment variable that gives it that port. */
  readonly portVariable: 'API_PORT' | 'METRICS_PORT'
}

export const nodeServices: readonly NodeService[] = [
  { name: 'worker', port: 'metrics', portVariable: 'METRICS_PORT', heapMegabytes: 384 },
  { name: 'sink', port: 'sinkMetrics', portVariable: 'METRICS_PORT', heapMegabytes: 192 },
  { name: 'api', port: 'api', portVariable: 'API_PORT', heapMegabytes: 192 },
  { name: 'host', port: 'hostMetrics', portVariable: 'METRICS_PORT', heapMegabytes: 96 },
]

/** Those that this checkout has. */
export const presentServices = (): readonly NodeService[] =>
  nodeServices.filter(({ name }) => isService(name))

export interface NodeServiceInput {
  readonly servers: Pick<RunningServers, 'env' | 'layout' | 'ports'>
  readonly demo: boolean
}

export const mainScript = fileURLToPath(new URL('../main.ts', import.meta.url))

/** Node's flags for a child of ours. A small young generation keeps an idle process small. */
export const nodeFlags = (heapMegabytes: number): readonly string[] => [
  `--max-old-space-size=${String(heapMegabytes)}`,
  '--max-semi-space-size=8',
  '--disable-warning=ExperimentalWarning',
]

export const nodeServiceSpec = (
  service: NodeService,
  { servers, demo }: NodeServiceInput,
): ProcessSpec => {
  const port = servers.ports[service.port]
  return {
    name: service.name,
    command: process.execPath,
    args: [...nodeFlags(service.heapMegabytes), mainScript, 'service', service.name],
    env: {
      ...servers.env,
      [service.portVariable]: String(port),
      KAFKA_CLIENT_ID: `millrace-${service.name}`,
      MILLRACE_DATA: servers.layout.root,
      MILLRACE_DEMO: String(demo),
    },
    port,
    ipc: true,
    healthy: (signal) => httpAnswers(`http://127.0.0.1:${String(port)}/readyz`, signal),
    // Restoring state after a long run may take a while.
    startTimeoutMs: 180_000,
    stopTimeoutMs: 20_000,
  }
}
