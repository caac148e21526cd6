/**
 * The local stack: a data folder, its lock, its servers. `startServers` is what `millrace up` and the integration tests use.
 *
 * S1: nothing is spawned before the folder is ours, leftovers of it are stopped and every port is free.
 * S2: if anything fails on the way, whatever was started is stopped again before the error is thrown.
 */
import { findArtifacts } from './artifacts.ts'
import { clickhouseServer, clickhouseUrl } from './clickhouse.ts'
import { clickhouseUser } from './clickhouse-config.ts'
import { freeBytes, leastFreeBytes, openDataFolder } from './data-folder.ts'
import { StackError } from './errors.ts'
import { inspectJava } from './java.ts'
import { archiveFlags, prepareArchives } from './jvm-archive.ts'
import { kafkaServer } from './kafka.ts'
import type { DataLayout } from './layout.ts'
import type { ProcessSpec, ProcessStatus } from './managed-process.ts'
import { stopLeftovers } from './pid-records.ts'
import { assertPortsFree, portsFrom } from './ports.ts'
import type { PortName, StackPorts } from './ports.ts'
import { registryServer, registryUrl } from './registry.ts'
import { Supervisor } from './supervisor.ts'

export const serverNames = ['kafka', 'registry', 'clickhouse'] as const
export type ServerName = (typeof serverNames)[number]

const portsOf: Readonly<Record<ServerName, readonly PortName[]>> = {
  kafka: ['kafka', 'kafkaController'],
  registry: ['registry'],
  clickhouse: ['clickhouseHttp', 'clickhouseNative'],
}

export interface StartServersOptions {
  readonly dataDir: string
  /** Without it the well-known ports. */
  readonly portBase?: number
  readonly which?: readonly ServerName[]
  /** Ports that others will open later and that must be free now. */
  readonly alsoFree?: readonly PortName[]
  readonly fresh?: boolean
  readonly minFreeBytes?: number
  /** Ends a start that is under way: what was started is stopped again, and `startServers` rejects. */
  readonly signal?: AbortSignal
  readonly onChange?: (status: ProcessStatus) => void
  readonly onLeftovers?: (names: readonly string[]) => void
  readonly onFailed?: (error: StackError) => void
  /** Given, the JVMs are prepared for fast starts where that has not been done; called when it begins. */
  readonly onPrepare?: () => void
}

export interface RunningServers {
  readonly layout: DataLayout
  readonly ports: StackPorts
  /** Configuration of a Node process that uses these servers. */
  readonly env: Readonly<Record<string, string>>
  processes(): readonly ProcessStatus[]
  /** Starts more children under the same supervisor. */
  start(specs: readonly ProcessSpec[]): Promise<void>
  /** Stops children that were started later, then the servers, and frees the folder. Safe to call twice. */
  stop(): Promise<void>
}

/** What a Node process may be told of each server. */
export const serverSettings: Readonly<Record<ServerName, readonly string[]>> = {
  kafka: [
    'KAFKA_BROKERS',
    'KAFKA_SSL',
    'KAFKA_SSL_CA_FILE',
    'KAFKA_SASL_MECHANISM',
    'KAFKA_SASL_USERNAME',
    'KAFKA_SASL_PASSWORD',
    'KAFKA_SASL_PASSWORD_FILE',
  ],
  registry: [
    'SCHEMA_REGISTRY_URL',
    'SCHEMA_REGISTRY_USERNAME',
    'SCHEMA_REGISTRY_PASSWORD',
    'SCHEMA_REGISTRY_PASSWORD_FILE',
  ],
  clickhouse: [
    'CLICKHOUSE_URL',
    'CLICKHOUSE_USERNAME',
    'CLICKHOUSE_PASSWORD',
    'CLICKHOUSE_PASSWORD_FILE',
  ],
}

/** The stack asks its processes on loopback how they do, by plain HTTP. */
const tlsSettings = ['TLS_CERT', 'TLS_KEY', 'TLS_CLIENT_CA']

/** A shell may carry settings of other clusters, which do not hold for this one; empty counts as unset. */
const nothingForeign = Object.fromEntries(
  [...Object.values(serverSettings).flat(), ...tlsSettings].map((name) => [name, '']),
)

/** What a Node process needs to know to use the servers; named as in the configuration of every service. */
export const environmentOf = (
  layout: DataLayout,
  ports: StackPorts,
): Readonly<Record<string, string>> => ({
  ...nothingForeign,
  KAFKA_BROKERS: `127.0.0.1:${String(ports.kafka)}`,
  SCHEMA_REGISTRY_URL: registryUrl(ports),
  CLICKHOUSE_URL: clickhouseUrl(ports),
  CLICKHOUSE_USERNAME: clickhouseUser,
  CLICKHOUSE_PASSWORD_FILE: layout.clickhousePassword,
})

/** A server that cannot write dies, and says so only somewhere in its log. */
const fullDiskInstead = (layout: DataLayout, error: StackError): StackError => {
  const free = freeBytes(layout.root)
  if (free >= leastFreeBytes) return error
  return new StackError(
    'DISK_FULL',
    `The disk of ${layout.root} is full (${String(Math.floor(free / 1e6))} MB free), so the stack has stopped. Free some and start again: nothing that was acknowledged is lost. First to go: ${error.message}`,
    { cause: error },
  )
}

const noJava = { command: 'java', version: '' }

export const startServers = async (options: StartServersOptions): Promise<RunningServers> => {
  const which = options.which ?? serverNames
  const ports = portsFrom(options.portBase)
  const artifacts = findArtifacts()
  const java = which.some((name) => name !== 'clickhouse') ? await inspectJava() : noJava

  const { layout, lock } = openDataFolder(options)
  const { onChange } = options
  const onFailed = (error: StackError): void => {
    options.onFailed?.(fullDiskInstead(layout, error))
  }
  const supervisor = new Supervisor({
    layout,
    ports,
    ...(onChange === undefined ? {} : { onChange }),
    onFailed,
  })
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> =>
    (stopped ??= supervisor.stopAll([['clickhouse'], ['registry'], ['kafka']]).finally(() => {
      lock.release()
    }))

  const stopEarly = (): void => {
    void stop()
  }
  options.signal?.addEventListener('abort', stopEarly)
  try {
    const leftovers = await stopLeftovers(layout.pids)
    if (leftovers.length > 0) options.onLeftovers?.(leftovers)
    await assertPortsFree(ports, [
      ...which.flatMap((name) => portsOf[name]),
      ...(options.alsoFree ?? []),
    ])
    const { signal, onPrepare } = options
    signal?.throwIfAborted()
    if (onPrepare !== undefined && java !== noJava) {
      await prepareArchives({
        java,
        artifacts,
        onStart: onPrepare,
        ...(signal === undefined ? {} : { signal }),
      })
      signal?.throwIfAborted()
    }
    const input = { java: java.command, artifacts, layout, ports }
    const specs: Readonly<Record<ServerName, () => ProcessSpec>> = {
      kafka: () => kafkaServer({ ...input, jvmFlags: archiveFlags(java, 'kafka') }),
      registry: () => registryServer({ ...input, jvmFlags: archiveFlags(java, 'registry') }),
      clickhouse: () => clickhouseServer(input),
    }
    await supervisor.start(
      serverNames.filter((name) => which.includes(name)).map((name) => specs[name]()),
    )
  } catch (error) {
    await stop()
    throw error instanceof StackError && error.code === 'PROCESS_DIED'
      ? fullDiskInstead(layout, error)
      : error
  } finally {
    options.signal?.removeEventListener('abort', stopEarly)
  }
  return {
    layout,
    ports,
    env: environmentOf(layout, ports),
    processes: () => supervisor.statuses,
    start: (specs) => supervisor.start(specs),
    stop,
  }
}
