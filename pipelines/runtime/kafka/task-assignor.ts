/**
 * Deals tasks to the members of a consumer group. Pure.
 *
 * A task is partition p of all its co-partitioned inputs, so tasks are dealt, not partitions.
 *
 * A1: balanced: once nothing is being handed over, any two members differ by at most one task.
 * A2: sticky: a task moves only if its owner is gone or has more than its share; then it gives up
 *     what it has got last.
 * A3: deterministic: same members, claims and tasks, same answer, in whatever order they come.
 * A4: a task that a member still holds is given to no other one. Where it is to move it is given to
 *     nobody: its holder does not find it, lets it go and joins again, and the next generation gives
 *     it away. As long as nobody comes or goes, that next one is complete.
 */
export interface MemberClaim {
  readonly memberId: string
  /** Tasks the member runs while it joins, those it has had longest first. */
  readonly heldTasks: readonly string[]
  /** Group generation it comes from; -1 for none. */
  readonly generation: number
}

export interface Deal {
  /** Member id -> its tasks in the order of `tasks`. Every member has an entry. */
  readonly assigned: ReadonlyMap<string, readonly string[]>
  /** Tasks that are to be let go first (A4). */
  readonly withheld: readonly string[]
}

export function assignTasks(tasks: readonly string[], members: readonly MemberClaim[]): Deal {
  const assigned = new Map<string, string[]>()
  const withheld: string[] = []
  for (const [memberId, own] of balanced(tasks, members)) {
    const others = members.filter((member) => member.memberId !== memberId)
    const heldByOthers = new Set(others.flatMap(({ heldTasks }) => heldTasks))
    assigned.set(
      memberId,
      own.filter((task) => !heldByOthers.has(task)),
    )
    withheld.push(...own.filter((task) => heldByOthers.has(task)))
  }
  return { assigned, withheld }
}

/** Who is to have what in the end (A1, A2). */
function balanced(
  tasks: readonly string[],
  members: readonly MemberClaim[],
): Map<string, string[]> {
  const memberIds = members.map(({ memberId }) => memberId).sort()
  const assigned = new Map(memberIds.map((memberId): [string, string[]] => [memberId, []]))
  if (memberIds.length === 0) return assigned
  const rank = new Map(tasks.map((task, index): [string, number] => [task, index]))

  const claimed = heldTasks(rank, members)
  const shareOf = shares(memberIds, claimed, tasks.length)
  const free = new Set(tasks)
  for (const memberId of memberIds) {
    const kept = (claimed.get(memberId) ?? []).slice(0, shareOf.get(memberId))
    assigned.set(memberId, kept)
    for (const task of kept) free.delete(task)
  }
  for (const task of free) {
    leastLoaded(task, memberIds, assigned, shareOf).push(task)
  }
  for (const own of assigned.values()) own.sort((a, b) => rank.get(a)! - rank.get(b)!)
  return assigned
}

/** Valid claims per member, in their order; of two claims on a task the younger one holds. */
function heldTasks(
  rank: ReadonlyMap<string, number>,
  members: readonly MemberClaim[],
): Map<string, string[]> {
  const holders = new Map<string, MemberClaim>()
  for (const member of members) {
    for (const task of member.heldTasks) {
      const rival = holders.get(task)
      if (rival === undefined || isStronger(member, rival)) holders.set(task, member)
    }
  }
  return new Map(
    members.map((member) => [
      member.memberId,
      member.heldTasks.filter((task) => rank.has(task) && holders.get(task) === member),
    ]),
  )
}

const isStronger = (a: MemberClaim, b: MemberClaim): boolean =>
  a.generation !== b.generation ? a.generation > b.generation : a.memberId < b.memberId

/** Everybody gets the floor; the extra ones go to those who hold most already (A2). */
function shares(
  memberIds: readonly string[],
  held: ReadonlyMap<string, readonly string[]>,
  taskCount: number,
): Map<string, number> {
  const floor = Math.floor(taskCount / memberIds.length)
  const extra = taskCount % memberIds.length
  const heldCount = (memberId: string): number => held.get(memberId)?.length ?? 0
  const byHeld = [...memberIds].sort((a, b) => heldCount(b) - heldCount(a) || (a < b ? -1 : 1))
  return new Map(byHeld.map((memberId, index) => [memberId, floor + (index < extra ? 1 : 0)]))
}

/** Below its share, fewest tasks, and among those fewest of the same topology. */
function leastLoaded(
  task: string,
  memberIds: readonly string[],
  assigned: ReadonlyMap<string, string[]>,
  shareOf: ReadonlyMap<string, number>,
): string[] {
  const topology = topologyOf(task)
  let best: string[] | undefined
  let bestSame = 0
  for (const memberId of memberIds) {
    const own = assigned.get(memberId)!
    if (own.length >= shareOf.get(memberId)!) continue
    const same = own.filter((other) => topologyOf(other) === topology).length
    const better =
      best === undefined ||
      own.length < best.length ||
      (own.length === best.length && same < bestSame)
    if (!better) continue
    best = own
    bestSame = same
  }
  return best! // shares sum up to the number of tasks, so there is room
}

const topologyOf = (task: string): string => task.slice(0, task.lastIndexOf('/'))
