/**
 * The end of the process: what is still queued is sent, for a short time.
 *
 * X1: the process ends as it would have: same code, same signal, same message; at most so much later.
 * X2: a signal that the application handles itself is the application's: we only begin to send.
 * X3: where there is no time left to wait in (a crash, `process.exit`), a child process sends, and is waited for.
 */
import { spawnSync } from 'node:child_process'
import { currentContext, silently } from './context.ts'
import type { Outbox } from './outbox.ts'
import type { Recorder } from './recorder.ts'
import type { Span } from './span.ts'

const LIMIT_MS = 1_000
const SIGNALS = ['SIGTERM', 'SIGINT'] as const

export interface ExitOptions {
  readonly recorder: Recorder
  readonly outbox: Outbox<Span>
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** Returns how to stop. */
export const watchExit = ({ recorder, outbox, url, headers }: ExitOptions): (() => void) => {
  let tried = false
  const lastWords = (): void => {
    if (tried || outbox.waiting === 0) return
    tried = true
    silently(() => sendBySomebodyElse({ url, headers, bodies: outbox.leftBodies() }))
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
    if (tried || outbox.waiting === 0) return
    tried = true
    void outbox.flush(LIMIT_MS)
  }
  const onSignal = (signal: NodeJS.Signals): void => {
    const sent = outbox.flush(LIMIT_MS)
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

/** Reads from standard input what to post; runs without our environment's options, so without this module. */
const SENDER = `
let text = ''
process.stdin.setEncoding('utf8')
for await (const chunk of process.stdin) text += chunk
const { url, headers, bodies } = JSON.parse(text)
const post = (body) => fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })
await Promise.allSettled(bodies.map(post))`

const sendBySomebodyElse = (letter: {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly bodies: readonly string[]
}): void => {
  spawnSync(process.execPath, ['--input-type=module', '--eval', SENDER], {
    input: JSON.stringify(letter),
    timeout: LIMIT_MS,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
}
