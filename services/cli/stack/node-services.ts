/** The Node processes of the local stack, as data: what `up` starts once the servers are healthy. */
import process from 'node:process'
import { fileURLToPath } from 'node:url'

import type { PortName, ProcessSpec, RunningServers } from '../../../infra/local/index.ts'
import { httpHealth } from '../../../infra/local/index.ts'
import {
  allocatorSettings,
  gatewayMemory,
  nodeFlags,
  workerHeapMegabytes,
  type NodeMemory,
} from '../../shared/node-process.ts'
import { isService } from './run-service.ts'

export interface NodeService {
  readonly name: string
  /** Where its health is; `any` for one that nobody else needs to find. */
  readonly port: PortName | 'any'
  /** Resident memory is some 50 MB more than the heap. */
  readonly memory: NodeMemory
  /** The environment variable that gives it that port. */
  readonly portVariable: 'API_PORT' | 'GATEWAY_PORT' | 'METRICS_PORT' | 'SHOP_PORT'
  /** The path that the supervisor asks. The API's /readyz speaks for all of the stack, itself among them. */
  readonly healthPath: '/healthz' | '/readyz'
}

export const nodeServices: readonly NodeService[] = [
  {
    name: 'worker',
    port: 'metrics',
    portVariable: 'METRICS_PORT',
    healthPath: '/readyz',
    memory: { heapMegabytes: workerHeapMegabytes },
  },
  {
    name: 'sink',
    port: 'sinkMetrics',
    portVariable: 'METRICS_PORT',
    healthPath: '/readyz',
    memory: { heapMegabytes: 192 },
  },
  {
    name: 'api',
    port: 'api',
    portVariable: 'API_PORT',
    healthPath: '/healthz',
    memory: { heapMegabytes: 192 },
  },
  {
    name: 'gateway',
    port: 'gateway',
    portVariable: 'GATEWAY_PORT',
    healthPath: '/readyz',
    memory: gatewayMemory,
  },
  {
    name: 'host',
    port: 'hostMetrics',
    portVariable: 'METRICS_PORT',
    healthPath: '/readyz',
    memory: { heapMegabytes: 96 },
  },
]

/** A part of the demo: nothing of the product depends on it. */
export const shopService: NodeService = {
  name: 'shop',
  port: 'shop',
  portVariable: 'SHOP_PORT',
  healthPath: '/healthz',
  memory: { heapMegabytes: 96 },
}

/** Started only where WEBHOOK_URL says where to post. */
export const webhookService: NodeService = {
  name: 'webhook',
  port: 'any',
  portVariable: 'METRICS_PORT',
  healthPath: '/readyz',
  memory: { heapMegabytes: 96 },
}

/** Those that this checkout has. */
export const presentServices = (): readonly NodeService[] =>
  nodeServices.filter(({ name }) => isService(name))

export interface NodeServiceInput {
  readonly servers: Pick<RunningServers, 'env' | 'layout' | 'ports'>
  readonly demo: boolean
  /** Port for a service that takes any. */
  readonly anyPort: number
}

export const mainScript = fileURLToPath(new URL('../main.ts', import.meta.url))

/** Whose health the API reports: everyone else. */
const processesFor = (name: string, { ports }: NodeServiceInput['servers']): string =>
  name === 'api'
    ? presentServices()
        .filter((other) => other.name !== name)
        .flatMap(({ name: other, port }) =>
          port === 'any' ? [] : [`${other}=http://127.0.0.1:${String(ports[port])}`],
        )
        .join(',')
    : ''

export const nodeServiceSpec = (
  service: NodeService,
  { servers, demo, anyPort }: NodeServiceInput,
): ProcessSpec => {
  const port = service.port === 'any' ? anyPort : servers.ports[service.port]
  return {
    name: service.name,
    command: process.execPath,
    args: [...nodeFlags(service.memory), mainScript, 'service', service.name],
    env: {
      ...allocatorSettings,
      ...servers.env,
      [service.portVariable]: String(port),
      GATEWAY_URL: `http://127.0.0.1:${String(servers.ports.gateway)}`,
      KAFKA_CLIENT_ID: `millrace-${service.name}`,
      MILLRACE_DATA: servers.layout.root,
      MILLRACE_DEMO: String(demo),
      MILLRACE_PROCESSES: processesFor(service.name, servers),
    },
    port,
    ipc: true,
    healthy: (signal) =>
      httpHealth(`http://127.0.0.1:${String(port)}${service.healthPath}`, signal),
    // Restoring state after a long run may take a while.
    startTimeoutMs: 180_000,
    stopTimeoutMs: 20_000,
  }
}
