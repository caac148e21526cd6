/** `millrace bench gateway`: what the real gateway process takes, and what that costs. */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../infra/local/ports.ts'
import { readToEnd } from '../../pipelines/runtime/kafka/index.ts'
import { allTopics, telemetryMetrics } from '../../schemas/topics.ts'
import { allocatorSettings, gatewayMemory, nodeFlags } from '../../services/shared/node-process.ts'
import { readConfig } from '../../services/shared/config.ts'
import { applyTopics } from '../../services/topics/apply.ts'
import { topicServers } from '../../services/topics/servers.ts'
import { wantedFromCatalogue } from '../../services/topics/wanted-topic.ts'
import { openBenchStack, type BenchStack, type BenchStackOptions } from './bench-stack.ts'
import { script, startChild, type Child } from './child.ts'
import { GATEWAY_CASES, metricsOf, type GatewayCaseName } from './gateway-case-names.ts'
import type { LoadFigures } from './gateway-load.ts'
import { currentCommit, describeMachine, type Machine } from './machine.ts'
import { brokerCpuSeconds, cpuSecondsOf, residentBytesOf } from './process-figures.ts'
import type { Progress } from './progress.ts'
import { median } from './statistics.ts'

export interface GatewayBenchOptions extends BenchStackOptions {
  readonly cases?: readonly GatewayCaseName[] | undefined
  readonly runs: number
  /** Of a run of a case; single posts get a tenth of it. */
  readonly points: number
  readonly partitions: number
  readonly progress: Progress
}

export interface GatewayCaseFigures {
  readonly name: GatewayCaseName
  /** Points; of single posts that is requests. */
  readonly per_second: number
  readonly p50_ms: number
  readonly p95_ms: number
  readonly p99_ms: number
  /** Of the gateway. */
  readonly cpu_seconds_per_million: number
  readonly broker_cpu_seconds_per_million: number
  readonly sender_cpu_seconds_per_million: number
  /** The highest until then. */
  readonly gateway_rss_bytes: number
  readonly asked_to_wait: number
}

export interface GatewayReport {
  readonly cases: readonly GatewayCaseFigures[]
  readonly runs: number
  readonly points: number
  readonly commit: string
  readonly date: string
  readonly machine: Machine
}

const WARM_UP_SHARE = 0.2
const SINGLE_SHARE = 0.1
const START_MS = 60_000
const cli = fileURLToPath(new URL('../../services/cli/main.ts', import.meta.url))

export const runGatewayBench = async (options: GatewayBenchOptions): Promise<GatewayReport> => {
  const { cases = GATEWAY_CASES, runs, points, partitions, progress } = options
  const about = {
    ...{ runs, points, commit: currentCommit(), date: new Date().toISOString() },
    machine: describeMachine(),
  }
  const stack = await openBenchStack(options)
  let gateway: Gateway | undefined
  try {
    const servers = topicServers(readConfig(stack.env), stack.cluster)
    await applyTopics(wantedFromCatalogue(allTopics, partitions), servers)
    gateway = await startGateway(stack)
    const measured: GatewayCaseFigures[] = []
    for (let run = 1; run <= runs; run++) {
      for (const name of cases) {
        progress(`${name}, run ${run} of ${runs}`)
        measured.push(await measure(stack, gateway, { name, points, partitions }))
      }
    }
    const medians = cases.map((name) => mediansOf(measured.filter((each) => each.name === name)))
    return { cases: medians, ...about }
  } finally {
    gateway?.child.kill()
    await stack.stop()
  }
}

interface Gateway {
  readonly child: Child
  readonly port: number
}

const startGateway = async ({ env }: BenchStack): Promise<Gateway> => {
  const port = await freePort()
  const child = startChild({
    command: process.execPath,
    args: [...nodeFlags(gatewayMemory), cli, 'service', 'gateway'],
    env: { ...allocatorSettings, ...env, GATEWAY_PORT: String(port), LOG_LEVEL: 'warn' },
    timeoutMs: 3_600_000,
  })
  const giveUpAtMs = performance.now() + START_MS
  while (!(await isReady(port))) {
    if (performance.now() > giveUpAtMs) {
      child.kill()
      await child.result
    }
    await sleep(100)
  }
  return { child, port }
}

const isReady = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${String(port)}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  )

const measure = async (
  stack: BenchStack,
  { child, port }: Gateway,
  options: { readonly name: GatewayCaseName; readonly points: number; readonly partitions: number },
): Promise<GatewayCaseFigures> => {
  const { name, partitions } = options
  const points = Math.ceil(options.points * (name === 'ingest-metrics-single' ? SINGLE_SHARE : 1))
  const tenant = `bench-${randomBytes(4).toString('hex')}`
  const positions = await endOffsets(stack, partitions)
  const args = [name, port, tenant, Math.ceil(points * WARM_UP_SHARE), points]
  const load = startChild(script('gateway-load.ts', args, stack.env))
  await load.ready
  const before = { gateway: cpuSecondsOf(child.pid), broker: brokerCpuSeconds(stack) }
  const figures = (await load.result) as LoadFigures
  const perMillion = (seconds: number): number => (seconds * 1e6) / figures.points
  const after = { gateway: cpuSecondsOf(child.pid), broker: brokerCpuSeconds(stack) }
  const stored = await countOf(stack, `${tenant}\u001f${metricsOf(name)}`, positions)
  if (stored !== figures.all_points) {
    throw new Error(
      `${name}: ${figures.all_points} points were acknowledged, ${stored} are in the topic`,
    )
  }
  const { p50_ms, p95_ms, p99_ms, asked_to_wait } = figures
  return {
    ...{ name, per_second: figures.points / figures.seconds, p50_ms, p95_ms, p99_ms },
    cpu_seconds_per_million: perMillion(after.gateway - before.gateway),
    broker_cpu_seconds_per_million: perMillion(after.broker - before.broker),
    sender_cpu_seconds_per_million: perMillion(figures.cpu_seconds),
    gateway_rss_bytes: residentBytesOf(child.pid).peakBytes,
    asked_to_wait,
  }
}

const partitionsOf = (count: number) =>
  Array.from({ length: count }, (_, partition) => ({ topic: telemetryMetrics.name, partition }))

const endOffsets = ({ cluster }: BenchStack, partitions: number) =>
  cluster.listOffsets(partitionsOf(partitions), 'latest')

/** Records from these positions on whose keys begin so. */
const countOf = async (
  { cluster }: BenchStack,
  keyPrefix: string,
  positions: Awaited<ReturnType<typeof endOffsets>>,
): Promise<number> => {
  const prefix = Buffer.from(keyPrefix)
  let count = 0
  for (const { topic, partition, offset } of positions) {
    await readToEnd({
      ...{ cluster, topic, partition, fromOffset: offset, until: 'last-stable' },
      reusesMemory: true,
      onRecords: (records) => {
        while (records.next()) {
          const key = records.key()
          if (key?.subarray(0, prefix.length).equals(prefix) === true) count += 1
        }
      },
    })
  }
  return count
}

const mediansOf = (runs: readonly GatewayCaseFigures[]): GatewayCaseFigures => {
  const of = (figure: Exclude<keyof GatewayCaseFigures, 'name'>): number =>
    median(runs.map((run) => run[figure]))
  return {
    name: runs[0]!.name,
    per_second: of('per_second'),
    p50_ms: of('p50_ms'),
    p95_ms: of('p95_ms'),
    p99_ms: of('p99_ms'),
    cpu_seconds_per_million: of('cpu_seconds_per_million'),
    broker_cpu_seconds_per_million: of('broker_cpu_seconds_per_million'),
    sender_cpu_seconds_per_million: of('sender_cpu_seconds_per_million'),
    gateway_rss_bytes: of('gateway_rss_bytes'),
    asked_to_wait: of('asked_to_wait'),
  }
}
