/**
 * Plain JSON: `POST /ingest/metrics`, `/ingest/logs`, `/ingest/deployment` (and `/deployments`), one
 * object or an array of them. The good part of an array is kept; the answer names the rest.
 */
import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Arrival } from '../../../../pipelines/intake/arrival.ts'
import { parseJson } from '../../../../pipelines/intake/json.ts'
import { BadInput } from '../../../../pipelines/intake/bad-input.ts'
import { deployment } from '../../../../pipelines/intake/plain/deployment.ts'
import { mapItems } from '../../../../pipelines/intake/plain/items.ts'
import { logEntry } from '../../../../pipelines/intake/plain/log-entry.ts'
import { metricPoint } from '../../../../pipelines/intake/plain/metric-point.ts'
import type { MetricPoint } from '../../../../schemas/generated/telemetry-metrics.ts'
import { seriesKey } from '../../../../schemas/series-key.ts'
import { hashOfSeries } from '../../../shared/limits/series-admission.ts'
import { invalidParameter } from '../../../shared/problem.ts'
import type { TopicRecords } from '../../../telemetry/topic-records.ts'
import { bodyOf } from '../../bodies.ts'
import type { Door, DoorPorts, IntakeBatch } from '../../ports.ts'
import { answerTo, type PlainAnswer } from './answer.ts'
import { deploymentRoute, logsRoute, metricsRoute } from './routes.ts'

const MAX_IDENTITY = 255

export const plain: Door = (scope, ports) => {
  ports.readBodies({
    mediaTypes: ['application/json'],
    encodings: ['gzip', 'deflate', 'br', 'zstd'],
  })

  const { metrics, logs } = ports.records
  scope.post('/ingest/metrics', metricsRoute, (request) =>
    take(request, ports, { kind: 'metrics', map: admitted(ports), append: appendAll(metrics) }),
  )
  scope.post('/ingest/logs', logsRoute, (request) =>
    take(request, ports, { kind: 'logs', map: logEntry, append: appendAll(logs) }),
  )
  for (const url of ['/ingest/deployment', '/deployments']) {
    scope.post(url, deploymentRoute, (request) => takeDeployments(request, ports))
  }
}

const admitted =
  ({ admitSeries }: DoorPorts) =>
  (item: unknown, arrival: Arrival): MetricPoint => {
    const point = metricPoint(item, arrival)
    if (admitSeries(arrival.tenant, hashOfSeries(seriesKey(point)))) return point
    throw new BadInput('labels', null, 'a series that is known: the tenant has too many new ones')
  }

interface Kind<Value> {
  readonly kind: 'metrics' | 'logs'
  readonly map: (item: unknown, arrival: Arrival) => Value
  readonly append: (batch: IntakeBatch, values: readonly Value[]) => void
}

const appendAll =
  <Value>(records: TopicRecords<Value>) =>
  (batch: IntakeBatch, values: readonly Value[]): void => {
    for (const value of values) batch.append(records.borrow(value))
  }

/** Points and entries have no identity of their own; a request may have one. */
const take = async <Value>(
  request: FastifyRequest,
  { intake, ledger, count, nowMs }: DoorPorts,
  { kind, map, append }: Kind<Value>,
): Promise<PlainAnswer> => {
  const { sender } = request
  const body = bodyOf(request)
  const arrival = { tenant: sender.tenant, receivedAtMs: nowMs() }
  const mapped = mapItems(parseJson(body), (item) => map(item, arrival))
  const answer = answerTo(mapped, count)
  let isNew = false
  const appended = () => {
    const batch = intake.open(sender, body.length)
    append(batch, mapped.values)
    isNew = true
    return { batch, answer }
  }
  const id = identityOf(request)
  if (id === undefined) {
    await appended().batch.acknowledged()
    count.accepted(answer.accepted)
    return answer
  }
  const content = createHash('sha256').update(body).digest('base64')
  const given = await ledger.once({ sender, door: `plain/${kind}`, id, content }, appended)
  if (isNew) count.accepted(answer.accepted)
  return given
}

const takeDeployments = async (
  request: FastifyRequest,
  { intake, ledger, records, count, nowMs }: DoorPorts,
): Promise<PlainAnswer> => {
  const { sender } = request
  const body = bodyOf(request)
  const arrival = { tenant: sender.tenant, receivedAtMs: nowMs() }
  const mapped = mapItems(parseJson(body), (item) => deployment(item, arrival))
  const answer = answerTo(mapped, count)
  const identified = mapped.values.map((event) => ({
    id: event.id,
    record: () => records.deployments.borrow(event),
  }))
  count.accepted(await ledger.appendNew(intake.open(sender, body.length), identified))
  return answer
}

const identityOf = ({ headers }: FastifyRequest): string | undefined => {
  const id = headers['idempotency-key']
  if (id === undefined) return undefined
  if (typeof id === 'string' && id.length > 0 && id.length <= MAX_IDENTITY) return id
  const limit = `one text of 1 to ${String(MAX_IDENTITY)} characters`
  throw invalidParameter({ field: 'idempotency-key', value: id, limit })
}
