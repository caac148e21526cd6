/**
 * Apache Kafka: one node that is broker and controller (KRaft). Sized for one machine: few partitions for the internal topics, a
 * small log cleaner buffer (the default takes 128 MB of heap), small segments so that retention can take effect.
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

import type { ServerArtifacts } from './artifacts.ts'
import { StackError } from './errors.ts'
import type { DataLayout } from './layout.ts'
import type { ProcessSpec } from './managed-process.ts'
import type { StackPorts } from './ports.ts'
import { kafkaHealth } from './probes.ts'

const run = promisify(execFile)

const nodeId = 1
const internalPartitions = 8
const twoDaysMs = 2 * 24 * 60 * 60 * 1000
const mebibyte = 1024 * 1024

/** Bounds for topics that bring none of their own. */
export const defaultRetention = { ms: twoDaysMs, bytesPerPartition: 256 * mebibyte } as const

export interface KafkaConfigInput {
  readonly dataDir: string
  readonly ports: Pick<StackPorts, 'kafka' | 'kafkaController'>
}

export const renderKafkaProperties = ({ dataDir, ports }: KafkaConfigInput): string => {
  const settings: Readonly<Record<string, string | number | boolean>> = {
    'process.roles': 'broker,controller',
    'node.id': nodeId,
    'controller.quorum.voters': `${String(nodeId)}@127.0.0.1:${String(ports.kafkaController)}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${String(ports.kafka)},CONTROLLER://127.0.0.1:${String(ports.kafkaController)}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${String(ports.kafka)}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(dataDir, 'data'),

    // Arrival is the broker's clock; event time is a field of the record.
    'log.message.timestamp.type': 'LogAppendTime',
    // A topic is declared or it does not exist: a typing error must not make one.
    'auto.create.topics.enable': false,
    'num.partitions': 4,
    'default.replication.factor': 1,
    'min.insync.replicas': 1,
    'message.max.bytes': mebibyte,

    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': internalPartitions,
    'offsets.topic.segment.bytes': 16 * mebibyte,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': internalPartitions,
    'transaction.state.log.segment.bytes': 16 * mebibyte,
    'transaction.max.timeout.ms': 15 * 60 * 1000,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 1,
    // Members of a group come one by one when a stack starts, and a rebalance costs little here.
    'group.initial.rebalance.delay.ms': 0,

    // After kill -9 the controller lets the broker in again when its old session has run out (default 9 s).
    'broker.session.timeout.ms': 4_000,
    'broker.heartbeat.interval.ms': 1_000,

    'log.segment.bytes': 64 * mebibyte,
    // Indexes are mapped into memory at this size; 64 MiB of log need 128 KiB of offsets and 192 KiB of times.
    'log.index.size.max.bytes': mebibyte,
    'log.retention.ms': defaultRetention.ms,
    'log.retention.bytes': defaultRetention.bytesPerPartition,
    'log.retention.check.interval.ms': 60_000,
    'log.cleaner.threads': 1,
    'log.cleaner.dedupe.buffer.size': 16 * mebibyte,
    'metadata.log.segment.bytes': 8 * mebibyte,
    'metadata.max.retention.bytes': 64 * mebibyte,

    // Requests that wait for a thread live in the heap; without a bound 500 of a megabyte may.
    'queued.max.request.bytes': 64 * mebibyte,
    'socket.request.max.bytes': 32 * mebibyte,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'background.threads': 2,
    'num.recovery.threads.per.data.dir': 2,
    'controlled.shutdown.enable': true,
  }
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${String(value)}`)
  return `${lines.join('\n')}\n`
}

/** To standard output, which the supervisor keeps in a bounded file. */
const log4jProperties = `status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601}{UTC}Z %p %m (%c{1})%n%throwable
rootLogger.level = \${sys:millrace.log.level:-warn}
rootLogger.appenderRef.out.ref = out
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
logger.log.name = kafka.log.LogManager
logger.log.level = info
`

/** Kafka's ids: 16 random bytes in URL-safe base64 (org.apache.kafka.common.Uuid), which must not begin with a dash. */
const newClusterId = (): string => {
  for (;;) {
    const id = randomBytes(16).toString('base64url')
    if (!id.startsWith('-')) return id
  }
}

const persistedClusterId = (folder: string): string => {
  const path = join(folder, 'cluster-id')
  if (!existsSync(path)) {
    writeFileSync(`${path}.tmp`, newClusterId())
    renameSync(`${path}.tmp`, path)
  }
  return readFileSync(path, 'utf8').trim()
}

export interface KafkaServerInput {
  readonly java: string
  readonly artifacts: ServerArtifacts
  readonly layout: DataLayout
  readonly ports: StackPorts
  /** Further options of the JVM. */
  readonly jvmFlags?: readonly string[]
}

/** Sorted: an archive of classes holds for one order of the jars only. */
const classPath = (artifacts: ServerArtifacts): string =>
  readdirSync(artifacts.kafkaJars)
    .filter((name) => name.endsWith('.jar'))
    .sort()
    .map((name) => join(artifacts.kafkaJars, name))
    .join(delimiter)

const format = async (input: KafkaServerInput, properties: string): Promise<void> => {
  // Written last by the tool, so a format that was killed is repeated.
  if (existsSync(join(input.layout.kafka, 'data', 'meta.properties'))) return
  const id = persistedClusterId(input.layout.kafka)
  const tool = [
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-cp',
    join(input.artifacts.kafkaJars, '*'),
    'kafka.tools.StorageTool',
  ]
  try {
    await run(input.java, [...tool, 'format', '-t', id, '-c', properties, '--ignore-formatted'])
  } catch (error) {
    throw new StackError(
      'PROCESS_DIED',
      `Kafka's storage in ${input.layout.kafka} could not be formatted: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    )
  }
}

export const kafkaServer = (input: KafkaServerInput): ProcessSpec => {
  const { layout, ports } = input
  const properties = join(layout.kafka, 'server.properties')
  const log4j = join(layout.kafka, 'log4j2.properties')
  return {
    name: 'kafka',
    command: input.java,
    args: [
      ...(input.jvmFlags ?? []),
      // One small generation for what lives a request long, and a heap that grows with what is kept: G1 lets both grow to the
      // bound before it collects, and takes more CPU on the few cores that are shared here.
      '-XX:+UseSerialGC',
      '-Xms96m',
      '-Xmn48m',
      '-Xmx352m',
      '-XX:MaxMetaspaceSize=128m',
      '-XX:ReservedCodeCacheSize=64m',
      '-XX:MaxDirectMemorySize=96m',
      '-XX:+ExitOnOutOfMemoryError',
      '-Xss512k',
      '-Djava.awt.headless=true',
      '-Dcom.sun.management.jmxremote=false',
      `-Dlog4j2.configurationFile=file://${log4j}`,
      `-Dmillrace.data=${layout.root}`,
      '-cp',
      classPath(input.artifacts),
      'kafka.Kafka',
      properties,
    ],
    // glibc gives every thread its own heap otherwise, which holds on to much of what is freed.
    env: { MALLOC_ARENA_MAX: '2' },
    cwd: layout.kafka,
    port: ports.kafka,
    ipc: false,
    prepare: async () => {
      mkdirSync(layout.kafka, { recursive: true })
      writeFileSync(properties, renderKafkaProperties({ dataDir: layout.kafka, ports }))
      writeFileSync(log4j, log4jProperties)
      await format(input, properties)
    },
    healthy: (signal) => kafkaHealth(ports.kafka, signal),
    startTimeoutMs: 120_000, // after kill -9 it checks every open segment first
    stopTimeoutMs: 20_000,
  }
}
