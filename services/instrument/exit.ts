/**
 * The end of the process: what is still queued is sent, for a short time.
 *
 * X1: the process ends as it would have: same code, same signal, same message; at most so much later.
 * X2: a signal that the application handles itself is the application's: we only begin to send.
 * X3: where there is no time left to wait in (a crash, `process.exit`), somebody else sends, and is waited for.
 */
import { currentContext } from './context.ts'
import type { Letter } from './exporter.ts'
import type { Recorder } from './recorder.ts'

const LIMIT_MS = 1_000
const SIGNALS = ['SIGTERM', 'SIGINT'] as const

export interface ExitOptions {
  readonly recorder: Recorder
  /** Spans and lines that are not known to have arrived. */
  readonly waiting: () => number
  readonly flush: (limitMs: number) => Promise<void>
  /** All that waits, for the last time. */
  readonly take: () => readonly Letter[]
  readonly postNow: (letters: readonly Letter[], limitMs: number) => void
}

/** Returns how to stop. */
export const watchExit = ({
  recorder,
  waiting,
  flush,
  take,
  postNow,
}: ExitOptions): (() => void) => {
  let tried = false
  const lastWords = (): void => {
    if (tried || waiting() === 0) return
    tried = true
    postNow(take(), LIMIT_MS)
  }
  const onCrash = (error: unknown): void => {
    const context = currentContext()
    const span = typeof context === 'object' ? context.span : undefined
    span?.fail(error)
    // Somebody catches it, and the process may go on.
    if (process.listenerCount('uncaughtException') > 0) return
    if (span !== undefined) recorder.end(span)
    lastWords()
  }
  const onIdle = (): void => {
    // Called again when that is done: who does not answer is not asked twice.
    if (tried || waiting() === 0) return
    tried = true
    void flush(LIMIT_MS)
  }
  const onSignal = (signal: NodeJS.Signals): void => {
    const sent = flush(LIMIT_MS)
    if (process.listenerCount(signal) > 1) return
    tried = true
    void sent.finally(() => {
      process.off(signal, onSignal)
      process.kill(process.pid, signal)
    })
  }
  process.on('uncaughtExceptionMonitor', onCrash)
  process.on('beforeExit', onIdle)
  process.on('exit', lastWords)
  for (const signal of SIGNALS) process.on(signal, onSignal)
  return () => {
    process.off('uncaughtExceptionMonitor', onCrash)
    process.off('beforeExit', onIdle)
    process.off('exit', lastWords)
    for (const signal of SIGNALS) process.off(signal, onSignal)
  }
}
