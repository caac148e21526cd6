/** The drill's own stack: the servers of `npm start` and the product's sink, each to be killed alone. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findArtifacts } from '../../infra/local/artifacts.ts'
import { clickhouseServer, ensurePassword } from '../../infra/local/clickhouse.ts'
import { environmentOf, httpHealth, layoutOf, type ProcessSpec } from '../../infra/local/index.ts'
import { inspectJava } from '../../infra/local/java.ts'
import { archiveFlags } from '../../infra/local/jvm-archive.ts'
import { kafkaServer } from '../../infra/local/kafka.ts'
import { portsFrom } from '../../infra/local/ports.ts'
import { registryServer } from '../../infra/local/registry.ts'
import { nodeFlags } from '../../services/shared/node-process.ts'
import { Killable } from './killable.ts'

/** The command line, as operators call it. */
export const MAIN = fileURLToPath(new URL('../../services/cli/main.ts', import.meta.url))
const SINK_START_MS = 120_000
const SINK_HEAP_MEGABYTES = 192

export interface Servers {
  readonly broker: Killable
  readonly registry: Killable
  readonly clickhouse: Killable
  readonly sink: Killable
  /** As every process of the product takes it. */
  readonly environment: Readonly<Record<string, string>>
  /** Kills what runs. */
  dispose(): Promise<void>
}

/** Nothing runs yet. */
export const prepareServers = async (options: {
  readonly dataDir: string
  readonly portBase: number
}): Promise<Servers> => {
  const layout = layoutOf(options.dataDir)
  const ports = portsFrom(options.portBase)
  for (const folder of [layout.logs, layout.secrets]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }
  ensurePassword(layout)
  const java = await inspectJava()
  const input = { java: java.command, artifacts: findArtifacts(), layout, ports }
  const environment = environmentOf(layout, ports)
  const killable = (spec: ProcessSpec): Killable =>
    new Killable(spec, { log: join(layout.logs, `${spec.name}.log`) })
  const broker = killable(kafkaServer({ ...input, jvmFlags: archiveFlags(java, 'kafka') }))
  const registry = killable(registryServer({ ...input, jvmFlags: archiveFlags(java, 'registry') }))
  const clickhouse = killable(clickhouseServer(input))
  const sink = killable(sinkSpec(environment, ports.sinkMetrics))
  return {
    broker,
    registry,
    clickhouse,
    sink,
    environment,
    async dispose() {
      for (const each of [sink, clickhouse, registry, broker]) await each.kill()
    },
  }
}

const sinkSpec = (environment: Servers['environment'], port: number): ProcessSpec => ({
  name: 'sink',
  command: process.execPath,
  args: [...nodeFlags({ heapMegabytes: SINK_HEAP_MEGABYTES }), MAIN, 'service', 'sink'],
  env: { ...environment, METRICS_PORT: String(port) },
  ipc: false,
  healthy: (signal) => httpHealth(`http://127.0.0.1:${port}/readyz`, signal),
  startTimeoutMs: SINK_START_MS,
  stopTimeoutMs: 0,
})
