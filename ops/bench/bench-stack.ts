/** The servers of a benchmark: its own in a temporary folder, or those that the environment names. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  childEnvironment,
  freePortBase,
  startServers,
  type RunningServers,
} from '../../infra/local/index.ts'
import { KafkaAdmin, type KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import type { RegistryConnection } from '../../pipelines/runtime/kafka/registry-http.ts'
import { readConfig } from '../../services/shared/config.ts'
import { EXIT } from '../../services/shared/errors.ts'
import { kafkaCluster } from '../../services/shared/kafka.ts'
import { registryConnection } from '../../services/shared/registry.ts'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const
/** Its password would be looked for, and nothing here needs it. */
const WITHOUT_CLICKHOUSE = { CLICKHOUSE_PASSWORD_FILE: '' }

export interface BenchStackOptions {
  /** Use the servers of the environment instead of starting any. */
  readonly attach: boolean
  /** Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv | undefined
  /** Ports of the own servers; default: free ones. */
  readonly portBase?: number | undefined
}

export interface BenchStack {
  /** Begins the name of every topic, group and application of this benchmark: the servers may be shared. */
  readonly prefix: string
  /** Scratch space, removed by `stop`. */
  readonly folder: string
  /** Of child processes that use the servers. */
  readonly env: NodeJS.ProcessEnv
  readonly brokers: string
  readonly cluster: KafkaCluster
  readonly admin: KafkaAdmin
  readonly connection: RegistryConnection
  /** Undefined where the broker is not ours to see. */
  readonly brokerPid: number | undefined
  readonly stop: () => Promise<void>
}

export const openBenchStack = async (options: BenchStackOptions): Promise<BenchStack> => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
  let servers: RunningServers | undefined
  const close = async (): Promise<void> => {
    for (const signal of SIGNALS) process.off(signal, interrupt)
    await servers?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  const interrupt = (): void => {
    void close().finally(() => process.exit(EXIT.negative))
  }
  // The servers are in process groups of their own: no Ctrl-C reaches them.
  for (const signal of SIGNALS) process.once(signal, interrupt)
  try {
    if (!options.attach) {
      servers = await startServers({
        dataDir: join(folder, 'stack'),
        portBase: options.portBase ?? (await freePortBase()),
        which: ['kafka', 'registry'],
      })
    }
    const env = { ...childEnvironment({}), ...options.env, ...servers?.env, ...WITHOUT_CLICKHOUSE }
    const config = readConfig(env)
    const cluster = kafkaCluster(config, { clientId: 'bench' })
    await cluster.connect()
    return {
      prefix: `bench-${randomBytes(4).toString('hex')}`,
      folder,
      env,
      brokers: config.kafka.brokers.join(','),
      cluster,
      admin: new KafkaAdmin(cluster),
      connection: registryConnection(config.schemaRegistry),
      brokerPid: servers?.processes().find(({ name }) => name === 'kafka')?.pid,
      async stop() {
        await cluster.close()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}
