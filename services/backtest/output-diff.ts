/**
 * What a candidate says into one topic that the baseline does not, and the other way round, by the identity of the
 * outputs: their `id`, else key and event time.
 *
 * Memory is bounded: of each identity only digests are kept, and values only where they differ and
 * are to be shown. The identities seen longest ago are settled when there are too many: an episode
 * that differs again after two hundred thousand others counts once more.
 */
import { createHash } from 'node:crypto'

export interface DiffValue {
  readonly topic: string
  readonly key: string
  /** Event time of the output. */
  readonly timestamp: string
  readonly value: unknown
}

export interface ChangedValue extends Omit<DiffValue, 'value'> {
  readonly baseline: unknown
  readonly candidate: unknown
}

export interface DiffCounts {
  readonly added: number
  readonly removed: number
  readonly changed: number
}

export interface DiffResult {
  readonly counts: DiffCounts
  readonly added: readonly DiffValue[]
  readonly removed: readonly DiffValue[]
  readonly changed: readonly ChangedValue[]
}

export type DiffSide = 'baseline' | 'candidate'

interface SideState {
  count: number
  digest: string
  /** The latest record that is not known to be the same on both sides. */
  latest: unknown
}

interface Entry {
  readonly key: string
  timestamp: string
  readonly baseline: SideState
  readonly candidate: SideState
  /** Its values are kept, to be shown. */
  held: boolean
}

const MAX_OPEN = 200_000
/** Added, removed, changed. */
const KINDS = 3
/** Which configuration was in force is what the candidate changes, not what it concludes. */
const CONFIG_FIELDS: ReadonlySet<string> = new Set(['configVersion', 'configHash'])

export class OutputDiff {
  readonly #topic: string
  readonly #limit: number
  readonly #maxOpen: number
  readonly #open = new Map<string, Entry>()
  readonly #added: DiffValue[] = []
  readonly #removed: DiffValue[] = []
  readonly #changed: ChangedValue[] = []
  readonly #counts = { added: 0, removed: 0, changed: 0 }
  #unsettled: Entry[] = []
  #heldCount = 0

  /** `limit`: how many of each kind are kept to be shown. All are counted. */
  constructor(
    topic: string,
    { limit, maxOpen = MAX_OPEN }: { readonly limit: number; readonly maxOpen?: number },
  ) {
    this.#topic = topic
    this.#limit = limit
    this.#maxOpen = maxOpen
  }

  add(
    side: DiffSide,
    output: {
      readonly key: string
      readonly eventTimeMs: number
      readonly value: Readonly<Record<string, unknown>>
    },
  ): void {
    const { key, eventTimeMs, value } = output
    const name = typeof value['id'] === 'string' ? value['id'] : `${key} ${eventTimeMs}`
    let entry = this.#open.get(name)
    if (entry === undefined) {
      const state = (): SideState => ({ count: 0, digest: '', latest: undefined })
      entry = { key, timestamp: '', baseline: state(), candidate: state(), held: false }
    } else this.#open.delete(name)
    this.#open.set(name, entry) // seen last
    entry.timestamp = new Date(eventTimeMs).toISOString()
    const state = entry[side]
    state.count += 1
    state.digest = createHash('sha256')
      .update(state.digest)
      .update(contentOf(value))
      .digest('base64')
    state.latest = value
    this.#unsettled.push(entry)
  }

  /** Both sides have said all they say to the same inputs: what is equal need not be kept. */
  settle(): void {
    for (const entry of this.#unsettled) {
      const isShown = !isSame(entry) && (entry.held || this.#heldCount < this.#limit * KINDS)
      if (isShown !== entry.held) this.#heldCount += isShown ? 1 : -1
      entry.held = isShown
      if (isShown) continue
      entry.baseline.latest = undefined
      entry.candidate.latest = undefined
    }
    this.#unsettled = []
    for (const [name, entry] of this.#open) {
      if (this.#open.size <= this.#maxOpen) break
      this.#open.delete(name)
      this.#conclude(entry)
    }
  }

  /** Call once, at the end. */
  finish(): DiffResult {
    for (const entry of this.#open.values()) this.#conclude(entry)
    this.#open.clear()
    const [added, removed, changed] = [this.#added, this.#removed, this.#changed]
    return { counts: this.#counts, added, removed, changed }
  }

  #conclude(entry: Entry): void {
    if (isSame(entry)) return
    const { key, timestamp, baseline, candidate } = entry
    const of = { topic: this.#topic, key, timestamp }
    const isShown = (list: readonly unknown[]): boolean => entry.held && list.length < this.#limit
    if (baseline.count === 0) {
      this.#counts.added += 1
      if (isShown(this.#added)) this.#added.push({ ...of, value: candidate.latest })
    } else if (candidate.count === 0) {
      this.#counts.removed += 1
      if (isShown(this.#removed)) this.#removed.push({ ...of, value: baseline.latest })
    } else {
      this.#counts.changed += 1
      if (!isShown(this.#changed)) return
      const both = { baseline: baseline.latest ?? null, candidate: candidate.latest ?? null }
      this.#changed.push({ ...of, ...both })
    }
  }
}

const isSame = ({ baseline, candidate }: Entry): boolean =>
  baseline.count === candidate.count && baseline.digest === candidate.digest

const contentOf = (value: Readonly<Record<string, unknown>>): string =>
  JSON.stringify(value, (name, inner: unknown) => (CONFIG_FIELDS.has(name) ? undefined : inner))

/** Those of several topics, one behind the other. */
export const joined = (results: readonly DiffResult[]): DiffResult => ({
  counts: {
    added: sum(results.map(({ counts }) => counts.added)),
    removed: sum(results.map(({ counts }) => counts.removed)),
    changed: sum(results.map(({ counts }) => counts.changed)),
  },
  added: results.flatMap(({ added }) => added),
  removed: results.flatMap(({ removed }) => removed),
  changed: results.flatMap(({ changed }) => changed),
})

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)
