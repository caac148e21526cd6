/** How many letters of which reason wait in a topic. */
import { originId, type Letter, type RedriveMark } from './letter.ts'

export interface ReasonSummary {
  readonly reason: string
  readonly letters: number
  /** Sent again already. */
  readonly redriven: number
  readonly firstAt: number
  readonly lastAt: number
  readonly lastDetail: string | undefined
}

interface Count {
  letters: number
  firstAt: number
  lastAt: number
  lastDetail: string | undefined
  readonly originIds: string[]
}

export class DeadLetterSummary {
  readonly #counts = new Map<string, Count>()
  readonly #redriven = new Set<string>()

  add(entry: Letter | RedriveMark): void {
    if (entry.kind === 'mark') {
      for (const id of entry.originIds) this.#redriven.add(id)
      return
    }
    const { reason, appendTimeMs, detail, origin } = entry
    let count = this.#counts.get(reason)
    if (count === undefined) {
      count = { letters: 0, firstAt: appendTimeMs, lastAt: 0, lastDetail: undefined, originIds: [] }
      this.#counts.set(reason, count)
    }
    count.letters += 1
    count.firstAt = Math.min(count.firstAt, appendTimeMs)
    if (appendTimeMs >= count.lastAt) {
      count.lastAt = appendTimeMs
      count.lastDetail = detail
    }
    if (origin !== undefined) count.originIds.push(originId(origin))
  }

  /** Most frequent first. */
  reasons(): ReasonSummary[] {
    return [...this.#counts]
      .map(([reason, { originIds, ...count }]) => ({
        reason,
        ...count,
        redriven: originIds.filter((id) => this.#redriven.has(id)).length,
      }))
      .sort((a, b) => b.letters - a.letters || (a.reason < b.reason ? -1 : 1))
  }
}
