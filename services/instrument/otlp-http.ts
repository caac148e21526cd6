/** Posts OTLP/HTTP in JSON: https://opentelemetry.io/docs/specs/otlp/#otlphttp. Its sockets keep no process alive. */
import { spawnSync } from 'node:child_process'
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import { silently } from './context.ts'
import { newSpanId, newTraceId } from './ids.ts'
import type { Exporter, Letter } from './exporter.ts'
import type { Answer } from './outbox.ts'
import { traceParent } from './trace-context.ts'

const TIMEOUT_MS = 10_000
const MAX_ANSWER_BYTES = 64 * 1024
/** What may go better next time; everything else will be refused again. */
const WORTH_A_RETRY = new Set([408, 429, 500, 502, 503, 504])

type Headers = Readonly<Record<string, string>>

export interface OtlpTarget {
  readonly tracesUrl: string
  readonly logsUrl: string
  /** A function is asked for each request: keys may change. */
  readonly headers: Headers | (() => Headers)
}

type HeadersNow = () => Headers

interface Poster {
  readonly post: (body: string) => Promise<Answer>
  readonly hold: (hold: boolean) => void
  readonly close: () => void
}

export const otlpExporter = ({ tracesUrl, logsUrl, headers: given }: OtlpTarget): Exporter => {
  const headers: HeadersNow = typeof given === 'function' ? given : () => given
  const posters = { traces: posterTo(tracesUrl, headers), logs: posterTo(logsUrl, headers) }
  const urls = { traces: tracesUrl, logs: logsUrl }
  return {
    post: (signal, body) => posters[signal].post(body),
    hold: (signal, hold) => posters[signal].hold(hold),
    postNow: (letters, limitMs) => {
      const posts = letters.flatMap(({ signal, bodies }: Letter) =>
        bodies.map((body) => ({ url: urls[signal], body })),
      )
      silently(() => postByAnotherProcess({ posts, headers: headers() }, limitMs))
    },
    close: () => Object.values(posters).forEach(({ close }) => close()),
  }
}

const posterTo = (url: string, headers: HeadersNow): Poster => {
  const target = new URL(url)
  const secure = target.protocol === 'https:'
  const agent = new (secure ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: 1 })
  const send = secure ? httpsRequest : httpRequest
  // Not sampled: a receiver that is watched itself must not send spans of the spans that it gets.
  const unsampled = traceParent(newTraceId(), newSpanId(), 0)
  let holding = false
  let current: Socket | undefined

  const post = (body: string): Promise<Answer> =>
    new Promise((resolve) => {
      const bytes = Buffer.from(body)
      const options = {
        method: 'POST',
        agent,
        timeout: TIMEOUT_MS,
        headers: {
          'content-type': 'application/json',
          'content-length': bytes.length,
          traceparent: unsampled,
          ...headers(),
        },
      }
      const request = send(target, options, (response) => {
        void answerOf(response).then(resolve)
      })
      request.on('socket', (socket) => {
        current = socket
        if (!holding) socket.unref()
      })
      request.on('timeout', () => {
        request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1_000} s`))
      })
      request.on('error', (error) => {
        resolve({ kind: 'later', reason: `${target.origin}: ${error.message || error.name}` })
      })
      request.end(bytes)
    })

  return {
    post: (body) => silently(() => post(body)),
    hold: (hold) => {
      holding = hold
      if (hold) current?.ref()
      else current?.unref()
    },
    close: () => agent.destroy(),
  }
}

/** Reads from standard input what to post; runs without our environment's options, so without this module. */
const SENDER = `
let text = ''
process.stdin.setEncoding('utf8')
for await (const chunk of process.stdin) text += chunk
const { posts, headers } = JSON.parse(text)
const post = ({ url, body }) => fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })
await Promise.allSettled(posts.map(post))`

const postByAnotherProcess = (
  input: { readonly posts: readonly object[]; readonly headers: Headers },
  limitMs: number,
): void => {
  spawnSync(process.execPath, ['--input-type=module', '--eval', SENDER], {
    input: JSON.stringify(input),
    timeout: limitMs,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
}

const answerOf = async (response: IncomingMessage): Promise<Answer> => {
  const status = response.statusCode ?? 0
  const text = await bodyOf(response).catch(() => '')
  if (status >= 200 && status < 300) return { kind: 'taken', refused: refusedIn(text) }
  const reason = `HTTP ${status} ${text.slice(0, 200)}`.trim()
  if (!WORTH_A_RETRY.has(status)) return { kind: 'refused', reason }
  const afterMs = 1_000 * Number(response.headers['retry-after'])
  return Number.isFinite(afterMs) && afterMs > 0
    ? { kind: 'later', reason, afterMs }
    : { kind: 'later', reason }
}

const bodyOf = async (response: IncomingMessage): Promise<string> => {
  let text = ''
  response.setEncoding('utf8')
  for await (const chunk of response) {
    if (text.length < MAX_ANSWER_BYTES) text += String(chunk)
  }
  return text
}

/** `{"partialSuccess":{"rejectedSpans":"2"}}`: the others were taken, and none is to come again. */
const refusedIn = (text: string): number => {
  const match = /"rejected(?:Spans|LogRecords)"\s*:\s*"?(\d{1,9})/.exec(text)
  return Number(match?.[1] ?? 0)
}
