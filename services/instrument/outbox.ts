/**
 * The way out: a bounded queue, emptied in batches beside the requests.
 *
 * O1: `put` only stores a reference. It never blocks, throws or waits; what finds no room is counted.
 * O2: encoding and sending happen in turns of their own, a batch at a time; one batch is on its way.
 * O3: a batch is tried again while that may help, for so many attempts; meanwhile the queue fills, and then drops.
 * O4: nothing here keeps the process alive, except `flush`, and that only for the time it is given.
 */

export type Answer =
  | { readonly kind: 'taken'; readonly refused: number }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'later'; readonly reason: string; readonly afterMs?: number }

export interface OutboxPorts<Item> {
  /** What it takes about, for the bound in bytes. */
  readonly sizeOf: (item: Item) => number
  readonly encode: (items: readonly Item[]) => string
  /** Never rejects. */
  readonly post: (body: string) => Promise<Answer>
  /** Whether what is under way may keep the process alive. */
  readonly hold: (hold: boolean) => void
  readonly onTrouble: (what: string) => void
}

export interface OutboxLimits {
  readonly maxItems: number
  readonly maxBytes: number
  readonly batchItems: number
  /** Of one request, or record of Kafka, which takes 1 MB by default. */
  readonly bodyBytes: number
  readonly delayMs: number
  readonly maxAttempts: number
  readonly firstBackoffMs: number
}

export const defaultLimits: OutboxLimits = {
  maxItems: 4_096,
  maxBytes: 8 * 1024 * 1024,
  batchItems: 256,
  bodyBytes: 900_000,
  delayMs: 1_000,
  // Some two minutes.
  maxAttempts: 9,
  firstBackoffMs: 500,
}

const MAX_BACKOFF_MS = 30_000

export interface OutboxCounts {
  sent: number
  /** Found no room. */
  dropped: number
  /** The other side, or our encoding, did not take them. */
  refused: number
  /** Given up after the last attempt. */
  failed: number
}

interface Part<Item> {
  readonly items: readonly Item[]
  readonly body: string | undefined
}

export class Outbox<Item> {
  readonly counts: OutboxCounts = { sent: 0, dropped: 0, refused: 0, failed: 0 }
  readonly #ports: OutboxPorts<Item>
  readonly #limits: OutboxLimits
  #items: Item[] = []
  #bytes = 0
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> | undefined
  /** What is on its way, encoded; for the last words of a process that dies. */
  #underWay: readonly Item[] = []
  #flushing = false
  #wake: (() => void) | undefined

  constructor(ports: OutboxPorts<Item>, limits: Partial<OutboxLimits> = {}) {
    this.#ports = ports
    this.#limits = { ...defaultLimits, ...limits }
  }

  get waiting(): number {
    return this.#items.length + this.#underWay.length
  }

  put(item: Item): void {
    const size = this.#ports.sizeOf(item)
    const { maxItems, maxBytes, batchItems, delayMs } = this.#limits
    if (this.#items.length >= maxItems || this.#bytes + size > maxBytes) {
      this.counts.dropped += 1
      if (this.counts.dropped === 1) this.#ports.onTrouble('its queue is full; it drops')
      return
    }
    this.#items.push(item)
    this.#bytes += size
    if (this.#sending !== undefined) return
    if (this.#items.length === batchItems) this.#schedule(0)
    else if (this.#timer === undefined) this.#schedule(delayMs)
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#start()
    }, delayMs)
    this.#timer.unref()
  }

  #start(): void {
    this.#sending ??= this.#drain().finally(() => {
      this.#sending = undefined
      if (this.#items.length > 0) this.#schedule(this.#limits.delayMs)
    })
  }

  /** Batch after batch; what is less than one waits for more, unless somebody waits for all. */
  async #drain(): Promise<void> {
    for (let first = true; this.#items.length > 0; first = false) {
      if (!first && !this.#flushing && this.#items.length < this.#limits.batchItems) return
      this.#underWay = this.#take()
      for (const part of this.#partsOf(this.#underWay)) {
        await this.#deliver(part)
        this.#underWay = this.#underWay.slice(part.items.length)
      }
    }
  }

  #take(): readonly Item[] {
    const batch = this.#items.splice(0, this.#limits.batchItems)
    for (const item of batch) this.#bytes -= this.#ports.sizeOf(item)
    if (this.#items.length === 0) this.#bytes = 0
    return batch
  }

  /** As many bodies as it takes; items that cannot be encoded have none. */
  #partsOf(items: readonly Item[]): readonly Part<Item>[] {
    try {
      const body = this.#ports.encode(items)
      if (items.length < 2 || Buffer.byteLength(body) <= this.#limits.bodyBytes) {
        return [{ items, body }]
      }
    } catch (error) {
      this.#lose('refused', items, `could not encode: ${String(error)}`)
      return [{ items, body: undefined }]
    }
    const half = items.length >> 1
    return [...this.#partsOf(items.slice(0, half)), ...this.#partsOf(items.slice(half))]
  }

  async #deliver({ items: batch, body }: Part<Item>): Promise<void> {
    if (body === undefined) return
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.#ports.post(body)
      if (answer.kind === 'taken') {
        this.counts.sent += batch.length - answer.refused
        this.counts.refused += answer.refused
        return
      }
      if (answer.kind === 'refused') {
        this.#lose('refused', batch, answer.reason)
        return
      }
      if (attempt >= this.#limits.maxAttempts || this.#flushing) {
        this.#lose('failed', batch, answer.reason)
        return
      }
      await this.#pause(answer.afterMs ?? this.#backoffMs(attempt))
    }
  }

  #lose(how: 'refused' | 'failed', batch: readonly Item[], reason: string): void {
    this.counts[how] += batch.length
    this.#ports.onTrouble(reason)
  }

  /** Half of it is chance, so that processes that failed together do not come back together. */
  #backoffMs(attempt: number): number {
    const fullMs = Math.min(MAX_BACKOFF_MS, this.#limits.firstBackoffMs * 2 ** (attempt - 1))
    return fullMs * (0.5 + Math.random() / 2)
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(ms, MAX_BACKOFF_MS))
      timer.unref()
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = undefined
  }

  /** Sends what there is, each batch once more at most; resolves when done or when the time is over. */
  async flush(limitMs: number): Promise<void> {
    if (this.waiting === 0) return
    const { hold } = this.#ports
    this.#flushing = true
    hold(true)
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#wake?.()
    let limit: NodeJS.Timeout | undefined
    const over = new Promise<void>((resolve) => {
      limit = setTimeout(resolve, limitMs)
    })
    const all = async (): Promise<void> => {
      while (this.waiting > 0) {
        this.#start()
        await this.#sending
      }
    }
    await Promise.race([all(), over])
    clearTimeout(limit)
    hold(false)
    this.#flushing = false
  }

  /**
   * Everything that is not known to have arrived, a body for each batch: for a process that dies now.
   * What is under way may arrive all the same, so it stays the body that it is.
   */
  leftBodies(): string[] {
    const { batchItems } = this.#limits
    const batches = [this.#underWay]
    for (let from = 0; from < this.#items.length; from += batchItems) {
      batches.push(this.#items.slice(from, from + batchItems))
    }
    this.#items = []
    this.#bytes = 0
    this.#underWay = []
    return batches
      .filter(({ length }) => length > 0)
      .flatMap((batch) => this.#partsOf(batch).flatMap(({ body }) => body ?? []))
  }
}
