/** A bell: whoever waits is woken; rung while nobody waits, it lets the next one pass at once. */
export class WakeUp {
  #isRung = false
  #waiting = new Set<() => void>()

  ring(): void {
    if (this.#waiting.size === 0) this.#isRung = true
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }

  /** Until it rings or `untilMs` (performance.now()) has come; Infinity waits for the bell alone. */
  wait(untilMs: number): Promise<void> {
    if (this.#isRung) {
      this.#isRung = false
      return Promise.resolve()
    }
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined
      const wake = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(wake)
        resolve()
      }
      this.#waiting.add(wake)
      if (untilMs !== Infinity) timer = setTimeout(wake, Math.max(0, untilMs - performance.now()))
    })
  }
}
