/**
 * Which fault comes when and to whom: a pure function of the seed, so that a run can be repeated.
 *
 * Every kind comes once before any comes twice; then the deck decides how often. Moments are spread
 * over the time with a jitter, and faults overlap: one is not over when the next begins.
 */
import type { TransactionStage } from '../../pipelines/runtime/kafka/index.ts'
import { randomFrom, shuffled, type Random } from './random.ts'

export const FAULT_KINDS = [
  'worker-kill',
  'transaction-kill',
  'restore-kill',
  'zombie',
  'add-worker',
  'remove-worker',
  'sink-kill',
  'broker-kill',
  'broker-pause',
  'registry-kill',
  'clickhouse-kill',
  'aborted-changelog',
  'open-changelog',
  'poison',
] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

/** Workers have places; a killed one is started again in its place. */
export const PLACES = 4
export const FIRST_WORKERS = 3
const FEWEST_WORKERS = 2

export interface PlannedFault {
  /** From 1. */
  readonly number: number
  readonly kind: FaultKind
  /** After the drill's begin. */
  readonly atMs: number
  /** Place of the worker it is about. */
  readonly worker: number
  /** Where in a transaction a worker dies. */
  readonly stage: TransactionStage
  /** Where a zombie sleeps: its output is sent, its transaction is not committed. */
  readonly sleepAt: TransactionStage
  /** The how-many-th answer of a restore a worker dies at. */
  readonly restoreAnswer: number
  /** Partition whose changelogs are filled. */
  readonly partition: number
  /** How long a server is away. */
  readonly outageMs: number
}

export interface PlanOptions {
  readonly seed: number
  readonly minutes: number
  /** All when absent. `add-worker` and `remove-worker` come together. */
  readonly kinds?: readonly FaultKind[] | undefined
}

/** At least 60 in five minutes are asked for. */
const FAULTS_PER_MINUTE = 14
const TRANSACTION_STAGES = ['partitions-added', 'produced', 'offsets-committed', 'ended'] as const
const SLEEP_STAGES = ['produced', 'offsets-committed'] as const
export const PARTITIONS = 4

/** How often a kind comes beside the others, once each has come. */
const WEIGHTS: Readonly<Record<FaultKind, number>> = {
  'worker-kill': 3,
  'transaction-kill': 5,
  'restore-kill': 2,
  zombie: 2,
  'add-worker': 2,
  'remove-worker': 2,
  'sink-kill': 2,
  'broker-kill': 1,
  'broker-pause': 1,
  'registry-kill': 1,
  'clickhouse-kill': 1,
  'aborted-changelog': 1,
  'open-changelog': 1,
  poison: 1,
}

export const planFaults = ({ seed, minutes, kinds = FAULT_KINDS }: PlanOptions): PlannedFault[] => {
  const random = randomFrom(seed)
  const count = Math.max(1, Math.ceil(FAULTS_PER_MINUTE * minutes))
  const gapMs = (minutes * 60_000) / count
  const staffed = new Set(Array.from({ length: FIRST_WORKERS }, (_, place) => place))
  return deal(allowed(kinds), count, random).map((dealt, index) => {
    const kind = possible(dealt, staffed.size)
    return {
      number: index + 1,
      kind,
      atMs: Math.round(gapMs * (index + random(1_000) / 1_000)),
      worker: placeFor(kind, staffed, random),
      stage: pick(TRANSACTION_STAGES, random),
      sleepAt: pick(SLEEP_STAGES, random),
      restoreAnswer: 2 + random(3),
      partition: random(PARTITIONS),
      outageMs: 300 + random(1_700),
    }
  })
}

const allowed = (kinds: readonly FaultKind[]): readonly FaultKind[] => {
  const scales = kinds.some((kind) => kind === 'add-worker' || kind === 'remove-worker')
  const wanted = new Set<FaultKind>(scales ? [...kinds, 'add-worker', 'remove-worker'] : kinds)
  return FAULT_KINDS.filter((kind) => wanted.has(kind))
}

const deal = (kinds: readonly FaultKind[], count: number, random: Random): FaultKind[] => {
  const dealt = shuffled(kinds, random)
  const deck = kinds.flatMap((kind) => Array<FaultKind>(WEIGHTS[kind]).fill(kind))
  while (dealt.length < count) dealt.push(...shuffled(deck, random))
  return dealt.slice(0, count)
}

/** There is no room for another worker, or none to spare: the opposite then. */
const possible = (kind: FaultKind, workers: number): FaultKind => {
  if (kind === 'add-worker' && workers === PLACES) return 'remove-worker'
  if (kind === 'remove-worker' && workers === FEWEST_WORKERS) return 'add-worker'
  return kind
}

const placeFor = (kind: FaultKind, staffed: Set<number>, random: Random): number => {
  const places = Array.from({ length: PLACES }, (_, place) => place)
  const empty = places.filter((place) => !staffed.has(place))
  const place = pick(kind === 'add-worker' ? empty : [...staffed].sort(), random)
  if (kind === 'add-worker') staffed.add(place)
  if (kind === 'remove-worker') staffed.delete(place)
  return place
}

const pick = <Item>(items: readonly Item[], random: Random): Item =>
  items[random(items.length)] as Item
