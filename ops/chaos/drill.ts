/**
 * The drill: workers count a known input while the plan's faults are done to them and to everything
 * around them. Then what they left is compared with what the input says.
 *
 * D1: the input goes on until the last fault is recovered from: a fault without load shows nothing.
 * D2: nothing is compared before every record that was acknowledged has been processed, by offsets.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { layoutOf } from '../../infra/local/index.ts'
import type { KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import { controlTicks, telemetryMetrics } from '../../schemas/topics.ts'
import { readConfig } from '../../services/shared/config.ts'
import { kafkaCluster } from '../../services/shared/kafka.ts'
import { registryConnection } from '../../services/shared/registry.ts'
import { Crew } from './crew.ts'
import { heldUp, Moments, strikes, type Arena } from './faults.ts'
import { Input } from './input.ts'
import { Locks } from './locks.ts'
import { APPLICATION, applyCounting, counting } from './pipeline.ts'
import { FIRST_WORKERS, PARTITIONS, planFaults, type FaultKind, type PlannedFault } from './plan.ts'
import { Progress } from './progress.ts'
import { prepareServers, type Servers } from './servers.ts'
import { settled } from './settle.ts'
import { judge, type Verdict } from './verdict.ts'

export interface DrillOptions {
  readonly seed: number
  readonly minutes: number
  readonly kinds?: readonly FaultKind[] | undefined
  readonly dataDir: string
  readonly portBase: number
  readonly signal: AbortSignal
  readonly onEvent: (event: DrillEvent) => void
}

/** What a drill says while it runs. */
export type DrillEvent =
  | { readonly kind: 'phase'; readonly text: string }
  | {
      readonly kind: 'fault'
      readonly fault: PlannedFault
      /** Since the drill's begin. */
      readonly atMs: number
      readonly seen: string
      readonly recoveryMs: number
    }
  | { readonly kind: 'problem'; readonly text: string }

export interface DrillResult extends Verdict {
  readonly inputs: number
  readonly poison: number
  readonly recoveries: readonly { readonly kind: FaultKind; readonly ms: number }[]
}

const ROUND_EVERY_MS = 250
const RECOVERY_LIMIT_MS = 240_000
const SETTLE_LIMIT_MS = 180_000
const START_LIMIT_MS = 240_000
const SINK_GROUP = 'sink'
const WORKER_GROUP = `${APPLICATION}.${counting.name}`

export const runDrill = async (options: DrillOptions): Promise<DrillResult> => {
  const { dataDir, portBase, onEvent } = options
  const servers = await prepareServers({ dataDir, portBase })
  const problems: string[] = []
  const onProblem = (text: string): void => {
    problems.push(text)
    onEvent({ kind: 'problem', text })
  }
  const failed = new AbortController()
  const signal = AbortSignal.any([options.signal, failed.signal])
  const config = readConfig(servers.environment)
  const cluster = kafkaCluster(config, { clientId: 'chaos' })
  const connection = registryConnection(config.schemaRegistry)
  const crew = new Crew({
    environment: servers.environment,
    logOf: (place) => join(layoutOf(dataDir).logs, `worker-${place}.log`),
    onUnexpectedEnd(place, how) {
      onProblem(`worker ${place} ended by itself: ${how}`)
    },
    signal,
  })
  let input: Input | undefined
  try {
    onEvent({ kind: 'phase', text: 'starting Kafka, registry and ClickHouse' })
    const { broker, registry, clickhouse, sink } = servers
    await Promise.all([broker, registry, clickhouse].map((server) => server.start(signal)))
    await applyCounting({ cluster, connection })
    onEvent({ kind: 'phase', text: `starting the sink and ${FIRST_WORKERS} workers` })
    for (let place = 0; place < FIRST_WORKERS; place++) crew.start(place)
    await sink.start(signal)
    input = await Input.open({ cluster, connection, seed: options.seed })
    const production = new Production(input, signal)
    production.failure.catch((error: unknown) => failed.abort(error))
    const arena = arenaOf({ ...options, cluster, servers, crew, input, signal })
    await arena.progress.caughtUp(START_LIMIT_MS)
    const recoveries = await strikeAll(arena, { ...options, onProblem })
    await production.stop()
    onEvent({ kind: 'phase', text: 'the input has ended; waiting for everything to be processed' })
    await settled({ cluster, groupId: WORKER_GROUP, timeoutMs: SETTLE_LIMIT_MS, signal })
    onEvent({ kind: 'phase', text: 'reading everything back' })
    const verdict = await judge(input, servers.environment)
    for (const text of verdict.problems) onProblem(text)
    return { ...verdict, problems, inputs: input.records, poison: input.poison, recoveries }
  } finally {
    await crew.dispose()
    await input?.abandon()
    await cluster.close()
    await servers.dispose()
  }
}

/** Sends a round every quarter of a second, and what an outage held up afterwards. */
class Production {
  /** Rejects when a record could not be delivered; never resolves before `stop`. */
  readonly failure: Promise<void>
  readonly #input: Input
  readonly #stopping = new AbortController()

  constructor(input: Input, signal: AbortSignal) {
    this.#input = input
    this.failure = this.#run(signal)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.failure
    await this.#input.finish()
  }

  async #run(signal: AbortSignal): Promise<void> {
    const startedAtMs = performance.now()
    for (let round = 0; !this.#stopping.signal.aborted && !signal.aborted; round++) {
      await this.#input.sendRound()
      const waitMs = startedAtMs + (round + 1) * ROUND_EVERY_MS - performance.now()
      if (waitMs > 0) await sleep(waitMs)
    }
  }
}

const arenaOf = (options: {
  readonly seed: number
  readonly cluster: KafkaCluster
  readonly servers: Servers
  readonly crew: Crew
  readonly input: Input
  readonly signal: AbortSignal
}): Arena & { readonly sinkProgress: Progress } => {
  const { cluster, signal } = options
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition)
  const progressOf = (groupId: string, topics: readonly string[]): Progress =>
    new Progress({ cluster, groupId, topics, partitions, signal })
  return {
    ...options,
    locks: new Locks(),
    progress: progressOf(WORKER_GROUP, [telemetryMetrics.name, controlTicks.name]),
    sinkProgress: progressOf(SINK_GROUP, [telemetryMetrics.name]),
  }
}

/** Every fault at its moment; resolves when the last one is recovered from (D1). */
const strikeAll = async (
  arena: ReturnType<typeof arenaOf>,
  options: DrillOptions & { readonly onProblem: (text: string) => void },
): Promise<{ kind: FaultKind; ms: number }[]> => {
  const { onEvent, onProblem } = options
  const plan = planFaults(options)
  onEvent({ kind: 'phase', text: `${plan.length} faults in ${options.minutes} min` })
  const startedAtMs = performance.now()
  const recoveries: { kind: FaultKind; ms: number }[] = []
  const strike = async (fault: PlannedFault): Promise<void> => {
    await sleep(startedAtMs + fault.atMs - performance.now(), undefined, { signal: arena.signal })
    const { kind, number } = fault
    try {
      const moments = new Moments()
      const seen = await strikes[kind](arena, fault, moments)
      const held = heldUp[kind].map((who) =>
        who === 'workers' ? arena.progress : arena.sinkProgress,
      )
      await Promise.all(held.map((progress) => progress.caughtUp(RECOVERY_LIMIT_MS)))
      moments.recovered()
      const ms = Math.round(moments.recoveredAtMs - moments.struckAtMs)
      recoveries.push({ kind, ms })
      const atMs = moments.struckAtMs - startedAtMs
      onEvent({ kind: 'fault', fault, atMs, seen, recoveryMs: ms })
    } catch (error) {
      if (arena.signal.aborted) throw arena.signal.reason
      onProblem(
        `fault ${number}, ${kind}: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
  }
  await Promise.all(plan.map(strike))
  return recoveries
}
