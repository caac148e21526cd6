/**
 * The health checks of the servers, spoken directly: what supervises them needs no client library, and with node:http instead of
 * fetch some megabytes less. A check never rejects; what is wrong is an answer, in words.
 */
import { request } from 'node:http'
import { createConnection } from 'node:net'

import { systemCode } from './errors.ts'

export interface NotReady {
  /** Whether it answers at all: what works but waits for another is not to be restarted, what is silent for long is. */
  readonly answers: boolean
  readonly reason: string
}

export type Health = 'ready' | NotReady

const silent = (reason: string): NotReady => ({ answers: false, reason })
const waiting = (reason: string): NotReady => ({ answers: true, reason })

const reasonOf = (error: unknown): string => {
  if (systemCode(error) === 'ECONNREFUSED') return 'nothing listens on its port'
  if (error instanceof Error && /abort|timeout/i.test(`${error.name} ${String(systemCode(error))}`))
    return 'it does not answer in time'
  return error instanceof Error ? error.message : String(error)
}

/** Metadata v1 (api key 3) for no topic at all: the answer lists the brokers that are registered and not fenced. */
const metadataRequest = (): Buffer => {
  const clientId = Buffer.from('millrace-health')
  const message = Buffer.alloc(4 + 2 + 2 + 4 + 2 + clientId.length + 4)
  let at = message.writeInt32BE(message.length - 4)
  at = message.writeInt16BE(3, at) // Metadata
  at = message.writeInt16BE(1, at) // v1: an empty list means no topics, null would mean all
  at = message.writeInt32BE(1, at) // correlation id
  at = message.writeInt16BE(clientId.length, at)
  at += clientId.copy(message, at)
  message.writeInt32BE(0, at)
  return message
}

/** Size, correlation id, then the array of brokers: its length says whether the cluster has one. */
const brokerCountOffset = 8

export const kafkaHealth = (port: number, signal: AbortSignal): Promise<Health> =>
  new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1', signal })
    let received = Buffer.alloc(0)
    const finish = (health: Health): void => {
      socket.destroy()
      resolve(health)
    }
    socket.once('connect', () => socket.write(metadataRequest()))
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (received.length < brokerCountOffset + 4) return
      const hasBroker = received.readInt32BE(brokerCountOffset) > 0
      finish(hasBroker ? 'ready' : waiting('it is not registered with its controller yet'))
    })
    socket.once('error', (error) => {
      finish(silent(reasonOf(error)))
    })
    socket.once('close', () => {
      finish(silent('it closes connections without an answer'))
    })
  })

export const kafkaAnswers = async (port: number, signal: AbortSignal): Promise<boolean> =>
  (await kafkaHealth(port, signal)) === 'ready'

export interface HttpQuestion {
  readonly url: string
  readonly method?: 'GET' | 'POST' | 'PUT'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
}

export interface HttpAnswer {
  readonly ok: boolean
  readonly status: number
  readonly text: string
}

/** Longer answers are cut: only an error is read. */
const maxAnswerBytes = 64 * 1024

export const askHttp = ({ url, body, ...options }: HttpQuestion): Promise<HttpAnswer> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { ...options, agent: false }, (response) => {
      const status = response.statusCode ?? 0
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        if (text.length < maxAnswerBytes) text += chunk
      })
      response.once('error', reject)
      response.once('end', () => {
        resolve({ ok: status >= 200 && status < 300, status, text })
      })
    })
    asked.once('error', reject)
    asked.end(body)
  })

const shownCharacters = 200

/** `{"reason": "..."}` as our processes answer it, or the status. */
const reasonIn = ({ status, text }: HttpAnswer): string => {
  try {
    const answer: unknown = JSON.parse(text)
    if (typeof answer === 'object' && answer !== null && 'reason' in answer) {
      if (typeof answer.reason === 'string') return answer.reason.slice(0, shownCharacters)
    }
  } catch {
    // not JSON: the status has to do
  }
  return `it answers its health check with status ${String(status)}`
}

export const httpHealth = async (url: string, signal: AbortSignal): Promise<Health> => {
  try {
    const answer = await askHttp({ url, signal })
    return answer.ok ? 'ready' : waiting(reasonIn(answer))
  } catch (error) {
    return silent(reasonOf(error))
  }
}
