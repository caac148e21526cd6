/** What should be there once, against what is there. */
export interface Differences {
  /** Expected and not there. */
  readonly lost: readonly string[]
  /** There again, or there though never expected. */
  readonly duplicated: readonly string[]
  /** There, but saying something else: `id: found, expected`. */
  readonly wrong: readonly string[]
}

export const compare = (
  expected: ReadonlyMap<string, string>,
  found: readonly (readonly [id: string, content: string])[],
): Differences => {
  const seen = new Set<string>()
  const duplicated: string[] = []
  const wrong: string[] = []
  for (const [id, content] of found) {
    const wanted = expected.get(id)
    if (wanted === undefined || seen.has(id)) duplicated.push(id)
    else if (wanted !== content) wrong.push(`${id}: ${content}, expected ${wanted}`)
    seen.add(id)
  }
  return { lost: [...expected.keys()].filter((id) => !seen.has(id)), duplicated, wrong }
}

/** Ids that come several times, each as one of its own: `id`, `id #2`, ... */
export const numbered = (ids: readonly string[]): Map<string, string> => {
  const counts = new Map<string, number>()
  return new Map(
    ids.map((id) => {
      const count = (counts.get(id) ?? 0) + 1
      counts.set(id, count)
      return [count === 1 ? id : `${id} #${count}`, '']
    }),
  )
}

/** Running counts of a series that do not say 1, 2, 3, ... in the order in which they stand. */
export const outOfOrder = (counts: readonly (readonly [series: string, count: number])[]) => {
  const last = new Map<string, number>()
  const faults: string[] = []
  for (const [series, count] of counts) {
    const before = last.get(series) ?? 0
    if (count !== before + 1) faults.push(`${series}: ${count} behind ${before}`)
    last.set(series, count)
  }
  return faults
}
