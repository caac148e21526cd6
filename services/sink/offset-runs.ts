/** Sets of offsets as runs of neighbours: millions of offsets are a handful of runs. Pure. */

/** Both ends inclusive. */
export interface OffsetRun {
  readonly first: number
  readonly last: number
}

/** Collects offsets that come in rising order. */
export class RunCollector {
  readonly runs: OffsetRun[] = []
  #count = 0

  add(offset: number): void {
    this.#count += 1
    const newest = this.runs.at(-1)
    if (newest !== undefined && newest.last === offset - 1) {
      this.runs[this.runs.length - 1] = { first: newest.first, last: offset }
    } else {
      this.runs.push({ first: offset, last: offset })
    }
  }

  get count(): number {
    return this.#count
  }
}

export const sizeOf = (runs: readonly OffsetRun[]): number =>
  runs.reduce((sum, { first, last }) => sum + last - first + 1, 0)

/** What is in `all` and not in `removed`; both sorted and without overlaps. */
export const without = (
  all: readonly OffsetRun[],
  removed: readonly OffsetRun[],
): readonly OffsetRun[] => {
  const left: OffsetRun[] = []
  let at = 0
  for (const { first, last } of all) {
    let from = first
    while (at < removed.length && removed[at]!.last < from) at += 1
    for (let next = at; next < removed.length && removed[next]!.first <= last; next += 1) {
      const { first: cutFirst, last: cutLast } = removed[next]!
      if (cutFirst > from) left.push({ first: from, last: cutFirst - 1 })
      from = Math.max(from, cutLast + 1)
    }
    if (from <= last) left.push({ first: from, last })
  }
  return left
}
