/**
 * Apicurio Registry with its H2 file. Its compatibility rule is NONE until somebody sets it, so every start does.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import type { ServerArtifacts } from './artifacts.ts'
import { StackError } from './errors.ts'
import type { DataLayout } from './layout.ts'
import type { ProcessSpec } from './managed-process.ts'
import type { StackPorts } from './ports.ts'
import { askHttp, httpHealth } from './probes.ts'

export interface RegistryServerInput {
  readonly java: string
  readonly artifacts: ServerArtifacts
  readonly layout: DataLayout
  readonly ports: StackPorts
  /** Further options of the JVM. */
  readonly jvmFlags?: readonly string[]
}

/** A reader of the newest schema must read everything ever written, not only what the last version wrote. */
const compatibility = 'BACKWARD_TRANSITIVE'

export const registryUrl = (ports: StackPorts): string =>
  `http://127.0.0.1:${String(ports.registry)}/apis/ccompat/v7`

const setCompatibility = async (url: string): Promise<void> => {
  const answer = await askHttp({
    url: `${url}/config`,
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ compatibility }),
    signal: AbortSignal.timeout(5_000),
  })
  if (!answer.ok) {
    throw new StackError(
      'PROCESS_DIED',
      `The schema registry refused the compatibility rule ${compatibility}: ${String(answer.status)} ${answer.text}`,
    )
  }
}

export const registryServer = (input: RegistryServerInput): ProcessSpec => {
  const { artifacts, layout, ports } = input
  return {
    name: 'registry',
    command: input.java,
    args: [
      ...(input.jvmFlags ?? []),
      '-Xms32m',
      '-Xmx160m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1', // starts faster and smaller; it answers a few requests a minute
      '-XX:MaxMetaspaceSize=160m',
      '-XX:ReservedCodeCacheSize=48m',
      '-XX:MaxDirectMemorySize=32m',
      '-XX:+ExitOnOutOfMemoryError',
      '-Xss512k',
      '-Djava.awt.headless=true',
      '-Djava.util.logging.manager=org.jboss.logmanager.LogManager',
      '-Dquarkus.http.host=127.0.0.1',
      `-Dquarkus.http.port=${String(ports.registry)}`,
      '-Dquarkus.http.io-threads=2',
      '-Dquarkus.thread-pool.max-threads=8',
      '-Dquarkus.banner.enabled=false',
      '-Dquarkus.log.level=WARN',
      `-Dmillrace.data=${layout.root}`,
      '-jar',
      join(artifacts.registryHome, artifacts.registryJar),
    ],
    env: {
      MALLOC_ARENA_MAX: '2',
      // H2 writes a commit half a second later by default: kill -9 would take schemas that were acknowledged.
      REGISTRY_DATASOURCE_URL: `jdbc:h2:file:${join(layout.registry, 'registry')};WRITE_DELAY=0`,
      LOG_LEVEL: 'WARN',
      REGISTRY_LOG_LEVEL: 'WARN',
    },
    cwd: artifacts.registryHome,
    port: ports.registry,
    ipc: false,
    prepare: () => {
      mkdirSync(layout.registry, { recursive: true })
    },
    healthy: (signal) =>
      httpHealth(`http://127.0.0.1:${String(ports.registry)}/health/ready`, signal),
    afterHealthy: () => setCompatibility(registryUrl(ports)),
    startTimeoutMs: 120_000,
    stopTimeoutMs: 10_000,
  }
}
