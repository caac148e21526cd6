/**
 * OTLP/HTTP: POST /v1/traces, /v1/metrics, /v1/logs, in protobuf and in JSON.
 *
 * O1: 200 when Kafka has all that could be taken. What could not is counted and named in the answer
 *     (partial success); a sender does not repeat it.
 * O2: the same body again is a retry: it joins the first, or gets its answer. Not so for logs that do
 *     not say when they happened: two of the same content may be two.
 */
import { hash } from 'node:crypto'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { OtlpEncoding } from '../../../../pipelines/intake/otlp/decode.ts'
import { replyTo } from '../../../shared/problem.ts'
import { bodyOf } from '../../bodies.ts'
import type { DoorScope, Taken } from '../../ports.ts'
import { doorProblem } from '../../problem.ts'
import {
  answerTo,
  countsOf,
  encodeAnswer,
  encodeError,
  MEDIA_TYPES,
  type Answer,
} from './answers.ts'
import { logsRoute, metricsRoute, tracesRoute } from './routes.ts'
import { logsSignal, metricsSignal, tracesSignal, type OtlpPorts, type Signal } from './signals.ts'

export const otlp = (scope: DoorScope, ports: OtlpPorts): void => {
  ports.readBodies({
    mediaTypes: Object.values(MEDIA_TYPES),
    encodings: ['gzip'],
  })
  scope.setErrorHandler(asStatus)
  scope.post('/v1/traces', tracesRoute, take(tracesSignal(ports), ports))
  scope.post('/v1/metrics', metricsRoute, take(metricsSignal(ports), ports))
  scope.post('/v1/logs', logsRoute, take(logsSignal(ports), ports))
}

const take =
  <Message>(signal: Signal<Message>, ports: OtlpPorts) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { sender } = request
    const body = bodyOf(request)
    const encoding = encodingOf(request)
    let message: Message | undefined = signal.decode(body, encoding)
    const isRetryable = signal.isRetryable(message)
    let accepted = 0
    const append = () => {
      const arrival = { tenant: sender.tenant, receivedAtMs: ports.nowMs() }
      const { batch, records, rejected } = signal.append(message!, arrival, sender)
      // It is many times as large as its bytes, and the answer may take a while.
      message = undefined
      for (const [reason, count] of countsOf(rejected)) ports.count.refused(reason, count)
      accepted = records
      return { batch, answer: answerTo(rejected) }
    }
    const answer = isRetryable
      ? await ports.ledger.once(
          { sender, door: `otlp/${signal.name}`, id: hash('sha256', body, 'base64') },
          append,
        )
      : await acknowledged(append())
    ports.count.accepted(accepted)
    return reply.type(MEDIA_TYPES[encoding]).send(encodeAnswer(signal.name, answer, encoding))
  }

const acknowledged = async ({ batch, answer }: Taken<Answer>): Promise<Answer> => {
  await batch.acknowledged()
  return answer
}

const encodingOf = ({ headers }: FastifyRequest): OtlpEncoding =>
  (headers['content-type'] ?? '').trim().toLowerCase().startsWith(MEDIA_TYPES.json)
    ? 'json'
    : 'protobuf'

/** google.rpc.Status; the status of HTTP tells what to do, the message is for the log. */
const asStatus = (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
  const problem = doorProblem(error)
  const encoding = encodingOf(request)
  return replyTo(problem, request, reply)
    .type(MEDIA_TYPES[encoding])
    .send(encodeError(problem.status, problem.message, encoding))
}
