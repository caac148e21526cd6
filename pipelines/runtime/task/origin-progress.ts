/**
 * Which origin of ticks holds a task's clocks back.
 *
 * A clock is the least of its origins (T1): a task that has stopped, or waits for the registry, holds
 * time back in every partition behind it. That is meant, and must be seen. Origins of one stage pass
 * on the same ticks, so the one whose last tick was appended long before the others' is the one.
 */

export interface SlowOrigin {
  readonly origin: string
  /** Append time of its last tick; if none has come yet, of the first tick of its stage. */
  readonly sinceMs: number
  /** By how much the stage's newest tick is later. */
  readonly behindMs: number
}

class Stage {
  readonly #origins: readonly string[]
  readonly #lastMs = new Map<string, number>()
  #firstMs: number | undefined
  #newestMs = 0

  constructor(origins: readonly string[]) {
    this.#origins = origins
  }

  note(origin: string, appendedAtMs: number): void {
    if (!this.#origins.includes(origin)) return
    this.#firstMs ??= appendedAtMs
    this.#newestMs = Math.max(this.#newestMs, appendedAtMs)
    this.#lastMs.set(origin, appendedAtMs)
  }

  get slowest(): SlowOrigin | undefined {
    let slowest: SlowOrigin | undefined
    for (const origin of this.#origins) {
      const sinceMs = this.#lastMs.get(origin) ?? this.#firstMs
      if (sinceMs === undefined) return undefined
      const behindMs = this.#newestMs - sinceMs
      if (slowest === undefined || behindMs > slowest.behindMs) {
        slowest = { origin, sinceMs, behindMs }
      }
    }
    return slowest
  }
}

export class OriginProgress {
  readonly #stages: readonly Stage[]

  constructor(stages: readonly (readonly string[])[]) {
    this.#stages = stages.map((origins) => new Stage(origins))
  }

  note(origin: string, appendedAtMs: number): void {
    for (const stage of this.#stages) stage.note(origin, appendedAtMs)
  }

  /** The origin that is furthest behind the others of its stage; undefined before the first tick. */
  get slowest(): SlowOrigin | undefined {
    return this.#stages
      .flatMap(({ slowest }) => slowest ?? [])
      .sort((a, b) => b.behindMs - a.behindMs)[0]
  }
}
