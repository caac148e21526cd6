/**
 * The Kafka Streams program to compare with. It is no part of the project: its folder is named by
 * MILLRACE_PEER_DIR, or is `peers/kafka-streams` in a folder beside the project. It is built by
 * Maven in a copy, and runs in a JVM of its own on the same broker and the same topics.
 */
import { cpSync, existsSync, globSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findJava } from '../../infra/local/java.ts'
import { telemetryMetrics } from '../../schemas/topics.ts'
import { usageError } from '../../services/shared/errors.ts'
import type { BenchStack } from './bench-stack.ts'
import { checkAnswer } from './check.ts'
import { runChild } from './child.ts'
import type { Expected } from './expected.ts'
import { brokerCpuSeconds } from './process-figures.ts'
import type { ThroughputFigures } from './throughput.ts'
import { removeTopics } from './workload-topics.ts'

export interface Peer {
  readonly java: string
  readonly classPath: string
  /** File with the schema of the input's values. */
  readonly schema: string
}

export interface PeerVariant {
  readonly decode: 'generic' | 'hand'
  readonly store: 'mem' | 'rocksdb'
  readonly threads: number
}

export interface PeerRunOptions extends PeerVariant {
  /** The workload, whose input is read. */
  readonly name: string
  readonly records: number
  readonly expected: Expected
  readonly run: number
}

export interface PeerRestore {
  readonly restored_records: number
  /** From the beginning of the first restore to the end of the last. */
  readonly seconds: number
  readonly start_to_running_seconds: number
  readonly rss_bytes: number
}

/** As the program prints it. */
interface PrintedRun {
  readonly n: number
  readonly rps: number
  readonly cpu_s: number
  readonly rss_mb: number
}
interface PrintedRestore {
  readonly restored: number
  readonly restore_s: number
  readonly start_to_running_s: number
  readonly rss_mb: number
}

const PROGRAM = 'peers/kafka-streams'
const MIB = 1024 * 1024

/** @throws ServiceError USAGE_INVALID when there is none */
const findProgram = (): string => {
  const named = process.env['MILLRACE_PEER_DIR'] ?? ''
  const beside = dirname(fileURLToPath(new URL('../..', import.meta.url)))
  const folders = named === '' ? globSync(`*/${PROGRAM}`, { cwd: beside }) : [named]
  const found = folders
    .map((folder) => (named === '' ? join(beside, folder) : folder))
    .find((folder) => existsSync(join(folder, 'pom.xml')))
  if (found !== undefined) return found
  const looked = named === '' ? `${beside}/*/${PROGRAM}` : named
  throw usageError(
    `No Kafka Streams program is in ${looked}; name its folder (with its pom.xml) in MILLRACE_PEER_DIR, or leave out --peer.`,
  )
}

export const buildPeer = async ({ folder }: Pick<BenchStack, 'folder'>): Promise<Peer> => {
  const copy = join(folder, 'peer')
  cpSync(findProgram(), copy, { recursive: true })
  await runChild({ command: 'mvn', args: ['-q', '-B', 'package'], env: process.env, cwd: copy })
  const schema = join(folder, 'peer-input.avsc')
  writeFileSync(schema, JSON.stringify(telemetryMetrics.schema))
  const target = join(copy, 'target')
  const classPath = `${join(target, 'streams-peer.jar')}:${join(target, 'lib', '*')}`
  return { java: await findJava(), classPath, schema }
}

interface Launch extends PeerVariant {
  readonly id: string
  readonly name: string
  readonly settings?: Readonly<Record<string, string>>
}

const outputsOf = (id: string) => ({ windows: `${id}.windows`, deviations: `${id}.deviations` })

const launch = async (stack: BenchStack, peer: Peer, options: Launch): Promise<unknown> => {
  const { id, name, decode, store, threads, settings = {} } = options
  const { windows, deviations } = outputsOf(id)
  const properties: Readonly<Record<string, string>> = {
    broker: stack.brokers,
    in: `${name}.points`,
    app: id,
    schema: peer.schema,
    ...{ decode, store, threads: String(threads), commit: '100', eos: 'true' },
    ...{ windows, anomalies: deviations, state: join(stack.folder, id) },
    ...settings,
  }
  const flags = Object.entries(properties).map(([key, value]) => `-D${key}=${value}`)
  const args = ['-Xmx1g', '-cp', peer.classPath, ...flags, 'peer.PeerApp']
  return runChild({ command: peer.java, args, env: stack.env })
}

/**
 * One run from start to end. Not `halt`: with an orderly close everything is committed, and can be
 * counted; what it measured it has said by then.
 */
export const runPeer = async (
  stack: BenchStack,
  peer: Peer,
  { run, expected, ...options }: PeerRunOptions,
): Promise<ThroughputFigures> => {
  const { decode, store, threads } = options
  const id = `${stack.prefix}-peer-${decode}-${store}-${String(threads)}-${String(run)}`
  const before = brokerCpuSeconds(stack)
  const printed = (await launch(stack, peer, { ...options, id })) as PrintedRun
  const broker = brokerCpuSeconds(stack) - before
  await checkAnswer(stack, outputsOf(id), expected)
  await removeTopics(stack, id)
  return {
    records_per_second: printed.rps,
    records_per_cpu_second: printed.n / printed.cpu_s,
    cpu_seconds: printed.cpu_s,
    rss_bytes: printed.rss_mb * MIB,
    broker_cpu_seconds: broker,
  }
}

/** Leaves its group soon after it has ended, so that the restart is not kept waiting. */
const SHORT_SESSION = { 'ks.consumer.session.timeout.ms': '10000' }

/** Fills a store by a whole run, and then restores it, as often as wanted. */
export const restorePeer = async (
  stack: BenchStack,
  peer: Peer,
  { name, runs }: { readonly name: string; readonly runs: number },
): Promise<readonly PeerRestore[]> => {
  const id = `${stack.prefix}-peer-restore`
  const common = { id, name, decode: 'generic', store: 'mem', threads: 1 } as const
  await launch(stack, peer, { ...common, settings: SHORT_SESSION })
  const restores: PeerRestore[] = []
  for (let run = 0; run < runs; run++) {
    const settings = { ...SHORT_SESSION, mode: 'restore' }
    const printed = (await launch(stack, peer, { ...common, settings })) as PrintedRestore
    restores.push({
      restored_records: printed.restored,
      seconds: printed.restore_s,
      start_to_running_seconds: printed.start_to_running_s,
      rss_bytes: printed.rss_mb * MIB,
    })
  }
  await removeTopics(stack, id)
  return restores
}
