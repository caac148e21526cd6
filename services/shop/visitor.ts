/** Somebody who looks around and buys now and then: one to two requests a second, a few at a time at most. */
import { setTimeout as sleep } from 'node:timers/promises'
import { between, type Random } from './random.ts'

const PAUSE_MS = { from: 400, to: 1_100 }
/** A slow shop has no queue at its door. */
const MAX_AT_ONCE = 8
const PATIENCE_MS = 70_000

export interface VisitorOptions {
  readonly url: string
  readonly random: Random
  readonly signal: AbortSignal
}

/** Ends with the signal, when all answers are there or given up. */
export const visit = async ({ url, random, signal }: VisitorOptions): Promise<void> => {
  const under = new Set<Promise<void>>()
  while (!signal.aborted) {
    await sleep(between(random, PAUSE_MS.from, PAUSE_MS.to), undefined, { signal }).catch(
      () => undefined,
    )
    if (signal.aborted || under.size >= MAX_AT_ONCE) continue
    const [method, path] = wish(random)
    const asked = ask(method, url + path, signal).finally(() => under.delete(asked))
    under.add(asked)
  }
  await Promise.all(under)
}

const wish = (random: Random): [method: string, path: string] => {
  const what = random()
  if (what < 0.55) return ['GET', '/inventory']
  return what < 0.95 ? ['POST', '/checkout'] : ['GET', '/health']
}

const ask = async (method: string, url: string, stop: AbortSignal): Promise<void> => {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(PATIENCE_MS)])
  try {
    await (await fetch(url, { method, signal })).arrayBuffer()
  } catch {
    // The shop tells of its failures itself.
  }
}
