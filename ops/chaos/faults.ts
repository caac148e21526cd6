/**
 * The faults: each is done to a process that runs, and answers what was seen of it. A fault that did
 * not come about as planned throws: the drill has then not shown what it says.
 *
 * F1: whoever holds a place in the crew, or the broker, holds it alone (Locks).
 * F2: a zombie is stopped at a fixed point, its output sent and its transaction not committed, and
 *     wakes when others have gone on behind it. Then the broker must refuse every transaction that
 *     it had open: its answers are the proof.
 * F3: a foreign transaction in a changelog is followed by the death of the owner, so that somebody
 *     restores over what it left.
 * F4: one that is left open must be open still when the successor begins to restore.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import type { Crew } from './crew.ts'
import type { Input } from './input.ts'
import type { Killable } from './killable.ts'
import { aborted, isOpen, leaveEntries, type Leftovers } from './leftovers.ts'
import type { Locks } from './locks.ts'
import { COMMITTED, type Order } from './orders.ts'
import type { FaultKind, PlannedFault } from './plan.ts'
import type { Progress } from './progress.ts'
import { randomFrom } from './random.ts'
import type { Servers } from './servers.ts'
import { until } from './until.ts'

/** What faults are done to. */
export interface Arena {
  readonly seed: number
  readonly cluster: KafkaCluster
  readonly servers: Servers
  readonly crew: Crew
  readonly input: Input
  readonly locks: Locks
  /** Of the workers. */
  readonly progress: Progress
  readonly signal: AbortSignal
}

const TAKE_OVER_MS = 240_000
const VERDICT_MS = 30_000
const OWNER_MS = 240_000
const OPEN_MS = 8_000
const OPEN_ATTEMPTS = 4
/** Kafka's words for "you are not the owner any more". */
const FENCED: ReadonlySet<string> = new Set([
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'UNKNOWN_MEMBER_ID',
  'ILLEGAL_GENERATION',
])

/** Recovery is counted from the moment of the fault, not from when it had its turn. */
export class Moments {
  struckAtMs = Number.NaN
  recoveredAtMs = Number.NaN

  struck(): void {
    this.struckAtMs = performance.now()
  }

  recovered(): void {
    if (Number.isNaN(this.recoveredAtMs)) this.recoveredAtMs = performance.now()
  }
}

/** Answers what was seen. */
type Strike = (arena: Arena, fault: PlannedFault, moments: Moments) => Promise<string>

const placeOf = (place: number): string => `worker ${place}`
const BROKER = 'broker'

const killWorker: Strike = ({ crew, locks }, { worker }, moments) =>
  locks.holding([placeOf(worker)], async () => {
    moments.struck()
    await crew.at(worker).kill()
    crew.start(worker)
    return `worker ${worker}`
  })

const killInTransaction: Strike = ({ crew, locks }, { worker, stage }, moments) =>
  locks.holding([placeOf(worker)], async () => {
    await crew.strike(worker, { signal: 'SIGKILL', at: stage })
    moments.struck()
    crew.start(worker)
    return `worker ${worker} at "${stage}"`
  })

const killInRestore: Strike = ({ crew, locks }, { worker, restoreAnswer }, moments) =>
  locks.holding([placeOf(worker)], async () => {
    await crew.stop(worker)
    const order: Order = { signal: 'SIGKILL', at: 'restore', answer: restoreAnswer }
    crew.start(worker, order)
    const { about } = await crew.strike(worker, order)
    moments.struck()
    crew.start(worker)
    return `worker ${worker} at ${about}`
  })

/** F2 */
const zombie: Strike = ({ crew, locks, progress, signal }, { worker, sleepAt }, moments) =>
  locks.holding([BROKER, placeOf(worker)], async () => {
    const { open } = await crew.strike(worker, { signal: 'SIGSTOP', at: sleepAt })
    const sleeper = crew.at(worker)
    moments.struck()
    try {
      await progress.caughtUp(TAKE_OVER_MS)
      moments.recovered()
    } finally {
      sleeper.wake()
    }
    const sleptMs = performance.now() - moments.struckAtMs
    const answers = await until(
      () => {
        const heard = new Map(
          sleeper.verdicts
            .filter(({ answer }) => answer === COMMITTED || FENCED.has(answer))
            .map(({ transaction, answer }) => [transaction, answer]),
        )
        return open.every((transaction) => heard.has(transaction)) ? heard : undefined
      },
      { what: `the broker's answer to the zombie's commit`, timeoutMs: VERDICT_MS, signal },
    )
    sleeper.verdicts.length = 0
    const heard = open.map((transaction) => answers.get(transaction) ?? '')
    if (open.length === 0) throw new Error(`a zombie stopped at "${sleepAt}" had nothing open`)
    if (heard.includes(COMMITTED)) throw new Error(`a zombie's commit was accepted: ${open.join()}`)
    const refusals = [...new Set(heard)].join(', ')
    return `worker ${worker} at "${sleepAt}" for ${inSeconds(sleptMs)}, ${transactions(open.length)} refused: ${refusals}`
  })

const addWorker: Strike = ({ crew, locks }, { worker }, moments) =>
  locks.holding([placeOf(worker)], async () => {
    moments.struck()
    crew.start(worker)
    const partitions = await crew.ready(worker)
    return `worker ${worker}, which took partition ${partitions.join(', ')}`
  })

const removeWorker: Strike = ({ crew, locks }, { worker }, moments) =>
  locks.holding([placeOf(worker)], async () => {
    moments.struck()
    const code = await crew.stop(worker)
    if (code !== 0) throw new Error(`worker ${worker} was told to stop and ended with ${code}`)
    return `worker ${worker}`
  })

const restart = async (
  server: Killable,
  outageMs: number,
  moments: Moments,
  meanwhile: () => Promise<void> = () => Promise.resolve(),
): Promise<string> => {
  moments.struck()
  await server.kill()
  await meanwhile()
  await sleep(outageMs)
  await server.start()
  return `${server.name}, away for ${inSeconds(outageMs)} and its start`
}

const killSink: Strike = ({ servers, locks }, { outageMs }, moments) =>
  locks.holding(['sink'], () => restart(servers.sink, outageMs, moments))

const killBroker: Strike = ({ servers, locks }, { outageMs }, moments) =>
  locks.holding([BROKER], () => restart(servers.broker, outageMs, moments))

const pauseBroker: Strike = ({ servers, locks }, { outageMs }, moments) =>
  locks.holding([BROKER], async () => {
    moments.struck()
    servers.broker.pause()
    await sleep(outageMs)
    servers.broker.resume()
    return `stopped for ${inSeconds(outageMs)}`
  })

/** While every partition needs it. */
const killRegistry: Strike = ({ servers, input, locks }, { outageMs }, moments) =>
  locks.holding(['registry'], () =>
    restart(servers.registry, outageMs, moments, () => input.sendUnknownSchema()),
  )

const killClickhouse: Strike = ({ servers, locks }, { outageMs }, moments) =>
  locks.holding(['clickhouse'], () => restart(servers.clickhouse, outageMs, moments))

/** F3 */
const abortedChangelog: Strike = async (arena, fault, moments) => {
  const left = await leave(arena, fault, 1)
  const place = await withOwner(arena, fault.partition, async (owner) => {
    moments.struck()
    await arena.crew.at(owner).kill()
  })
  return `${describe(left)} aborted, then worker ${place} killed, which owned it`
}

/** F4 */
const openChangelog: Strike = async (arena, fault, moments) => {
  const { cluster, crew, progress, signal } = arena
  for (let attempt = 1; attempt <= OPEN_ATTEMPTS; attempt++) {
    const openMs = OPEN_MS * 2 ** (attempt - 1)
    const left = await leave(arena, fault, attempt, openMs)
    // What the owner commits behind the open transaction must be restored, too.
    await progress.caughtUp(TAKE_OVER_MS, [fault.partition])
    const place = await withOwner(arena, fault.partition, async (owner) => {
      moments.struck()
      await crew.stop(owner)
    })
    const restoring = (): number | undefined => crew.placeOfHolder(fault.partition)
    const what = `a successor for partition ${fault.partition}`
    const successor = await until(restoring, { what, timeoutMs: OWNER_MS, signal })
    const wasOpen = await isOpen(cluster, left)
    await aborted(cluster, left, { openMs, signal })
    // On a slow machine it may have been over before anybody restored.
    if (!wasOpen) continue
    return `${describe(left)} left open, worker ${place} left; worker ${successor} restored meanwhile`
  }
  throw new Error('no restore began while the foreign transaction was open')
}

/** The broker must not die meanwhile: then nobody knows what is in the changelogs. */
const leave = (
  { cluster, seed, locks }: Arena,
  { number, partition }: PlannedFault,
  attempt: number,
  openMs?: number,
): Promise<Leftovers> =>
  locks.holding([BROKER], () =>
    leaveEntries({
      cluster,
      transactionalId: `chaos-foreign-${number}-${attempt}`,
      partition,
      random: randomFrom(seed + number),
      ...(openMs === undefined ? {} : { openMs }),
    }),
  )

const describe = ({ entries, topics, partition }: Leftovers): string =>
  `${entries} entries in ${topics.length} changelogs of partition ${partition}`

/** Ends the worker that owns a partition, and starts another one in its place. */
const withOwner = (
  { crew, locks, signal }: Arena,
  partition: number,
  end: (place: number) => Promise<void>,
): Promise<number> =>
  until(
    async () => {
      const place = crew.placeOfOwner(partition)
      if (place === undefined) return undefined
      return locks.holding([placeOf(place)], async () => {
        // Another fault may have been first.
        if (crew.placeOfOwner(partition) !== place) return undefined
        await end(place)
        crew.start(place)
        return place
      })
    },
    { what: `an owner of partition ${partition}`, timeoutMs: OWNER_MS, signal },
  )

const deliverPoison: Strike = async ({ input }, _fault, moments) => {
  moments.struck()
  const before = input.poison
  await input.sendPoison()
  return `${input.poison - before} records at once`
}

export const strikes: Readonly<Record<FaultKind, Strike>> = {
  'worker-kill': killWorker,
  'transaction-kill': killInTransaction,
  'restore-kill': killInRestore,
  zombie,
  'add-worker': addWorker,
  'remove-worker': removeWorker,
  'sink-kill': killSink,
  'broker-kill': killBroker,
  'broker-pause': pauseBroker,
  'registry-kill': killRegistry,
  'clickhouse-kill': killClickhouse,
  'aborted-changelog': abortedChangelog,
  'open-changelog': openChangelog,
  poison: deliverPoison,
}

/** Whom a fault holds up: everything that had come in by then must get there again. */
export const heldUp: Readonly<Record<FaultKind, readonly ('workers' | 'sink')[]>> = {
  'worker-kill': ['workers'],
  'transaction-kill': ['workers'],
  'restore-kill': ['workers'],
  zombie: ['workers'],
  'add-worker': ['workers'],
  'remove-worker': ['workers'],
  'sink-kill': ['sink'],
  'broker-kill': ['workers', 'sink'],
  'broker-pause': ['workers', 'sink'],
  'registry-kill': ['workers', 'sink'],
  'clickhouse-kill': ['sink'],
  'aborted-changelog': ['workers'],
  'open-changelog': ['workers'],
  poison: ['workers', 'sink'],
}

const transactions = (count: number): string =>
  count === 1 ? '1 transaction' : `${count} transactions`

const inSeconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`
