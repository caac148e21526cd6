/**
 * Prometheus remote_write, 1.0 and 2.0: POST /api/v1/write.
 *
 * W1: 204 when Kafka has all of it. Where a part was refused, 400 when Kafka has the rest: a sender
 *     does not repeat it, and the text says how many and why.
 * W2: the same body again is a retry: it joins the first or gets its answer.
 * W3: a body says how long it is unpacked, and is believed only up to the limit.
 */
import { hash } from 'node:crypto'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { ProtobufError } from '../../../../pipelines/intake/prometheus/protobuf.ts'
import { RemoteWriteDecoder } from '../../../../pipelines/intake/prometheus/remote-write.ts'
import type { RemoteWriteVersion } from '../../../../pipelines/intake/prometheus/remote-write.ts'
import type { RequestPoints } from '../../../../pipelines/intake/prometheus/request-points.ts'
import { SeriesCache } from '../../../../pipelines/intake/prometheus/series-cache.ts'
import {
  snappyBlockLength,
  unpackSnappyBlock,
} from '../../../../pipelines/runtime/record/snappy-block.ts'
import { replyTo, type Problem } from '../../../shared/problem.ts'
import { hashOfSeries } from '../../../shared/limits/series-admission.ts'
import { appendPoints } from '../../append-points.ts'
import type { Door, DoorCounts } from '../../ports.ts'
import { doorProblem, gatewayProblem } from '../../problem.ts'
import { ACCEPTED, described } from '../described.ts'
import { answerTo, nothingWritten, writtenHeaders, type Answer } from './answer.ts'
import { ENCODING, isSnappy, MEDIA_TYPE, versionOf } from './content.ts'

/** Senders make some 0.1 to 1 MB, at most 8. */
const MAX_UNPACKED_BYTES = 16 * 1024 * 1024
/** Some 60,000 series, all tenants together. */
const SERIES_CACHE_BYTES = 64 * 1024 * 1024
const TOO_MANY_SERIES = 'the tenant has too many series, or too many new ones'
const PLAIN_TEXT = 'text/plain; charset=utf-8'

const schema = {
  ...described('Prometheus', {
    summary: 'remote_write 1.0 and 2.0',
    description: 'Protobuf in a block of Snappy, as Prometheus and its agents send it.',
    headers: { 'content-encoding': 'snappy', 'x-prometheus-remote-write-version': '0.1.0' },
    bodies: { [MEDIA_TYPE]: null },
  }),
  response: { 204: { type: 'null', description: ACCEPTED } },
}

export const remoteWrite: Door = (scope, ports) => {
  const { readBodies, records, ledger, count, admitSeries, nowMs } = ports
  const { encoder, partitions } = records.metrics.format
  const cache = new SeriesCache({
    format: { encoder, partitions },
    limitBytes: SERIES_CACHE_BYTES,
    admitSeries: ({ tenant, key }) =>
      admitSeries(tenant, hashOfSeries(key)) ? undefined : { reason: TOO_MANY_SERIES },
  })
  const decoder = new RemoteWriteDecoder(cache)
  const limitBytes = readBodies({
    mediaTypes: [MEDIA_TYPE],
    encodings: [],
    leftAlone: [ENCODING],
    limitBytes: MAX_UNPACKED_BYTES,
  })
  scope.addHook('onRequest', (_request, reply, done) => {
    // A sender of 2.0 reads them whatever the answer.
    void reply.headers(nothingWritten)
    done()
  })
  scope.setErrorHandler(inPlainText)

  const options = { config: { access: { writes: 'metrics' } }, schema } as const
  scope.post<{ Body: Buffer }>('/api/v1/write', options, async (request, reply) => {
    const { body, sender } = request
    const version = announcedVersion(request)
    const id = `${version} ${hash('sha256', body, 'base64')}`
    let appended = 0
    const answer = await ledger.once({ sender, door: 'remote-write', id }, () => {
      const unpacked = unpack(body, limitBytes)
      const arrival = { tenant: sender.tenant, receivedAtMs: nowMs() }
      const points = decode(decoder, { ...arrival, version, body: unpacked })
      const batch = appendPoints(points, sender, ports)
      countLeftOut(points, count)
      appended = points.count
      return { batch, answer: answerTo(points) }
    })
    count.accepted(appended)
    return send(reply, answer)
  })
}

/** @throws Problem 415 */
const announcedVersion = ({ headers }: FastifyRequest): RemoteWriteVersion => {
  if (!isSnappy(headers['content-encoding'])) {
    throw gatewayProblem('encoding-unknown', 'Content-Encoding must be snappy (block format)')
  }
  const version = versionOf(headers['content-type'] ?? '')
  if (version !== undefined) return version
  throw gatewayProblem(
    'media-type-unknown',
    'the message of Content-Type must be prometheus.WriteRequest or io.prometheus.write.v2.Request',
  )
}

/** W3 */
const unpack = (packed: Buffer, limitBytes: number): Buffer => {
  const length = snappyBlockLength(packed)
  if (length > limitBytes) {
    const sizes = `unpacked the body has ${String(length)} bytes, at most ${String(limitBytes)} are taken`
    throw gatewayProblem('body-too-large', `${sizes}; send less at once`)
  }
  try {
    return unpackSnappyBlock(packed)
  } catch (cause) {
    throw malformed('the body is no Snappy block (its block format, without frames)', cause)
  }
}

const decode = (
  decoder: RemoteWriteDecoder,
  request: Parameters<RemoteWriteDecoder['decode']>[0],
): RequestPoints => {
  try {
    return decoder.decode(request)
  } catch (cause) {
    if (!(cause instanceof ProtobufError)) throw cause
    throw malformed(`the body is no request of version ${request.version}: ${cause.message}`, cause)
  }
}

const countLeftOut = ({ tally }: RequestPoints, count: DoorCounts): void => {
  const leftOut = {
    invalid: tally.refusedSamples + tally.refusedHistograms,
    'stale-marker': tally.staleMarkers,
    'not-finite': tally.notFinite,
    exemplar: tally.exemplars,
    metadata: tally.metadataApart,
  }
  for (const [reason, records] of Object.entries(leftOut)) {
    if (records > 0) count.refused(reason, records)
  }
}

const malformed = (detail: string, cause: unknown): Problem =>
  gatewayProblem('body-malformed', detail, { cause })

const send = (reply: FastifyReply, answer: Answer): FastifyReply => {
  void reply.headers(writtenHeaders(answer))
  if (answer.complaint === undefined) return reply.code(204).send()
  return reply.code(400).type(PLAIN_TEXT).send(answer.complaint)
}

/** Errors as the protocol has them: the status tells what to do, the text is for the log. */
const inPlainText = (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
  const problem = doorProblem(error)
  return replyTo(problem, request, reply).type(PLAIN_TEXT).send(problem.message)
}
