/** The block store with inserts timed and, since each takes memory in the server, few at a time. */
import type { BlockStore } from './block-store.ts'
import type { Limiter } from '../shared/limiter.ts'
import type { SinkMetrics } from './metrics.ts'

export interface MeteredStoreOptions {
  readonly metrics: Pick<SinkMetrics, 'insertSeconds'>
  readonly inserts: Limiter
}

export const meteredStore = (
  store: BlockStore,
  { metrics, inserts }: MeteredStoreOptions,
): BlockStore => ({
  load: (id) => store.load(id),
  claim: (id, claim) => store.claim(id, claim),
  insert: (request) =>
    inserts.run(async () => {
      const stop = metrics.insertSeconds.startTimer({ topic: request.id.topic })
      try {
        return await store.insert(request)
      } finally {
        stop()
      }
    }),
  countRows: (id, claim) => store.countRows(id, claim),
  finish: (id, claim, rows) => store.finish(id, claim, rows),
  recordGap: (gap) => store.recordGap(gap),
})
