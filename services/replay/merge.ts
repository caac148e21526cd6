/**
 * One stream in event time from many that each are in event time. A source is opened only when the
 * merge reaches its first point, so that a thousand files of different months do not need a
 * thousand open handles. Memory: one batch per open source.
 */
export interface Timed {
  readonly timestampMs: number
}

export interface TimedSource<T extends Timed> {
  readonly firstMs: number
  /** Batches in event time; none of them empty. */
  readonly open: () => AsyncIterable<readonly T[]>
}

interface Cursor<T> {
  /** Ties go to the source that was given first: the same files give the same stream. */
  readonly rank: number
  timestampMs: number
  batches: AsyncIterator<readonly T[]> | undefined
  batch: readonly T[]
  position: number
  readonly open: () => AsyncIterable<readonly T[]>
}

const OUTPUT_BATCH = 1024

export async function* mergeByTime<T extends Timed>(
  sources: readonly TimedSource<T>[],
): AsyncGenerator<readonly T[]> {
  const heap: Cursor<T>[] = []
  sources.forEach(({ firstMs, open }, rank) => {
    const start = { rank, timestampMs: firstMs, batches: undefined, batch: [], position: 0, open }
    siftUp(heap, heap.push(start) - 1)
  })
  let output: T[] = []
  try {
    for (let top = heap[0]; top !== undefined; top = heap[0]) {
      const item = top.batch[top.position]
      if (item === undefined) {
        if (!(await load(top))) removeTop(heap)
        else siftDown(heap)
        continue
      }
      output.push(item)
      top.position++
      const next = top.batch[top.position]
      if (next !== undefined) {
        top.timestampMs = next.timestampMs
        siftDown(heap)
      }
      if (output.length < OUTPUT_BATCH) continue
      yield output
      output = []
    }
    if (output.length > 0) yield output
  } finally {
    for (const { batches } of heap) await batches?.return?.()
  }
}

/** Opens the source or takes its next batch; false at its end. */
const load = async <T extends Timed>(cursor: Cursor<T>): Promise<boolean> => {
  cursor.batches ??= cursor.open()[Symbol.asyncIterator]()
  const next = await cursor.batches.next()
  if (next.done === true) return false
  const first = next.value[0]
  if (first === undefined) return false
  cursor.batch = next.value
  cursor.position = 0
  cursor.timestampMs = first.timestampMs
  return true
}

const before = <T>(a: Cursor<T>, b: Cursor<T>): boolean =>
  a.timestampMs < b.timestampMs || (a.timestampMs === b.timestampMs && a.rank < b.rank)

const siftUp = <T>(heap: Cursor<T>[], from: number): void => {
  let at = from
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!swapIfBefore(heap, at, parent)) return
    at = parent
  }
}

const siftDown = <T>(heap: Cursor<T>[]): void => {
  for (let at = 0; ;) {
    const [left, right] = [2 * at + 1, 2 * at + 2]
    const [a, b] = [heap[left], heap[right]]
    if (a === undefined) return
    const child = b !== undefined && before(b, a) ? right : left
    if (!swapIfBefore(heap, child, at)) return
    at = child
  }
}

const removeTop = <T>(heap: Cursor<T>[]): void => {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  heap[0] = last
  siftDown(heap)
}

const swapIfBefore = <T>(heap: Cursor<T>[], low: number, high: number): boolean => {
  const [a, b] = [heap[low], heap[high]]
  if (a === undefined || b === undefined || !before(a, b)) return false
  heap[low] = b
  heap[high] = a
  return true
}
