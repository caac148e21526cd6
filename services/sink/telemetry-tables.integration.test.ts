/** Logs, spans, deployments, alerts and costs: from the topic to the row, and what their views show. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stackEnvironment, uniqueName } from '../../ops/test/stack.ts'
import { decimalBytes } from '../../schemas/decimal.ts'
import type { Alert } from '../../schemas/generated/telemetry-alerts.ts'
import type { CostRecord } from '../../schemas/generated/telemetry-costs.ts'
import type { DeploymentEvent } from '../../schemas/generated/telemetry-deployments.ts'
import type { LogEntry } from '../../schemas/generated/telemetry-logs.ts'
import type { Span } from '../../schemas/generated/telemetry-spans.ts'
import { SinkUnderTest } from './testing/sink-under-test.ts'

const AT_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678)
const AT_TEXT = '2026-01-02 03:04:05.678'
const AT_US = AT_MS * 1000 + 901
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const LONG = 'x'.repeat(300_000)

const log: LogEntry = {
  timestamp: AT_MS,
  tenant: 'default',
  service: 'checkout',
  level: 'error',
  message: 'payment of order 7 refused: größer als 100 €',
  labels: { order: '7', '': 'nameless' },
  resource: { 'service.version': '1.2' },
  environment: 'production',
  traceId: TRACE,
  spanId: 'b7ad6b7169203331',
}

const span: Span = {
  start: AT_US,
  durationUs: 1_234_567,
  tenant: 'default',
  traceId: TRACE,
  spanId: 'b7ad6b7169203331',
  parentSpanId: null,
  service: 'checkout',
  endpoint: '/orders/{id}',
  name: 'GET /orders/{id}',
  kind: 'server',
  status: 'error',
  method: 'GET',
  statusCode: 503,
  errorType: 'TimeoutError',
  errorMessage: 'too slow',
  stack: `TimeoutError: too slow\n${LONG}`,
  peer: 'payment',
  environment: 'production',
  version: '1.2',
  attributes: { 'user.id': '9' },
  resource: { 'k8s.pod.name': 'checkout-1' },
  events: [{ timestamp: AT_US + 1, name: 'retry', attributes: { attempt: '2' } }],
  links: [{ traceId: 'f'.repeat(32), spanId: 'e'.repeat(16), attributes: { kind: 'cause' } }],
}

const deployment: DeploymentEvent = {
  id: 'd'.repeat(32),
  timestamp: AT_MS,
  tenant: 'default',
  service: 'checkout',
  environment: 'production',
  version: 'v1.2',
  status: 'succeeded',
  kind: 'deployment',
  commit: 'c'.repeat(40),
  ref: 'main',
  deployedBy: 'ana',
  startedAt: AT_MS - 1000,
  finishedAt: AT_MS,
  plannedFrom: null,
  plannedTo: null,
  url: null,
  source: 'gitlab',
  sourceId: '17',
  metadata: { project: 'shop' },
}

const alert: Alert = {
  id: 'a'.repeat(32),
  timestamp: AT_MS,
  tenant: 'default',
  fingerprint: 'f00d',
  status: 'firing',
  name: 'HighLatency',
  severity: 'critical',
  service: null,
  startsAt: AT_MS,
  endsAt: null,
  labels: { alertname: 'HighLatency' },
  annotations: { summary: 'slow' },
  generatorUrl: 'http://prometheus/graph',
  source: 'alertmanager',
  receiver: null,
  groupKey: null,
}

const cost: CostRecord = {
  chargePeriodStart: AT_MS,
  chargePeriodEnd: AT_MS + 3_600_000,
  id: 'c'.repeat(32),
  tenant: 'default',
  billingAccountId: '4711',
  billingAccountName: null,
  subAccountId: '4712',
  subAccountName: 'shop',
  serviceName: 'Amazon EC2',
  serviceCategory: 'Compute',
  provider: 'AWS',
  publisher: null,
  invoiceIssuer: null,
  billingPeriodStart: Date.UTC(2026, 0, 1),
  billingPeriodEnd: Date.UTC(2026, 1, 1),
  status: 'estimated',
  chargeCategory: 'usage',
  isCorrection: false,
  chargeDescription: null,
  chargeFrequency: 'Usage-Based',
  currency: 'USD',
  billedCost: decimalBytes('-0.000000000001'),
  effectiveCost: decimalBytes('99999999999999999999999999.999999999999'),
  listCost: decimalBytes('0.1'),
  contractedCost: null,
  pricingQuantity: decimalBytes('0'),
  pricingUnit: 'Hours',
  consumedQuantity: null,
  consumedUnit: null,
  listUnitPrice: null,
  contractedUnitPrice: null,
  pricingCategory: 'Standard',
  commitmentDiscountId: null,
  commitmentDiscountType: null,
  commitmentDiscountStatus: null,
  regionId: 'us-west-2',
  availabilityZone: null,
  resourceId: 'i-1',
  resourceName: null,
  resourceType: null,
  skuId: null,
  skuPriceId: null,
  invoiceId: null,
  tags: { team: 'shop' },
  extra: { x_Discount: '1' },
  source: 'focus',
  export: 'bill',
  asOf: AT_MS,
  sourceId: '17',
}

let sink: SinkUnderTest
beforeAll(async () => {
  sink = await SinkUnderTest.create({
    prefix: uniqueName('sink'),
    environment: stackEnvironment(),
  })
  sink.start()
})
afterAll(() => sink.close())

const send = async (table: string, ...values: readonly unknown[]): Promise<void> => {
  for (const value of values) {
    const record = { topic: sink.topic(table), partition: 0, key: Buffer.from('key') }
    await sink.producer.send({ ...record, value: sink.encode(table, value) })
  }
}

/** What the sink adds. */
const origin = { _partition: 0, _offset: 0 }

describe('a row is what was published', () => {
  it('of telemetry.logs', async () => {
    const bare = { ...log, labels: {}, resource: {}, message: '' }
    const nothing = { environment: null, traceId: null, spanId: null }
    await send('logs', log, { ...bare, ...nothing, timestamp: -1 }, { ...log, message: LONG })
    expect((await sink.untilComplete('logs')).ok).toBe(true)
    const { traceId: trace_id, spanId: span_id, ...same } = log
    const stored = { ...same, trace_id, span_id, timestamp: AT_TEXT }
    expect(await sink.rows('SELECT * FROM logs ORDER BY _offset')).toMatchObject([
      { ...stored, ...origin },
      {
        timestamp: '1969-12-31 23:59:59.999',
        message: '',
        labels: {},
        environment: null,
        trace_id: null,
        span_id: null,
      },
      { ...stored, message: LONG },
    ])
  })

  it('of telemetry.spans, to the microsecond', async () => {
    const root = { ...span, durationUs: -5, stack: null, method: null, statusCode: null }
    await send('spans', span, { ...root, spanId: '1'.repeat(16), events: [], links: [] })
    expect((await sink.untilComplete('spans')).ok).toBe(true)
    expect(await sink.rows('SELECT * FROM spans ORDER BY _offset')).toMatchObject([
      {
        ...origin,
        start: '2026-01-02 03:04:05.678901',
        duration_us: 1_234_567,
        tenant: 'default',
        trace_id: TRACE,
        span_id: span.spanId,
        parent_span_id: null,
        service: 'checkout',
        endpoint: '/orders/{id}',
        name: 'GET /orders/{id}',
        kind: 'server',
        status: 'error',
        method: 'GET',
        status_code: 503,
        error_type: 'TimeoutError',
        error_message: 'too slow',
        stack: span.stack,
        peer: 'payment',
        environment: 'production',
        version: '1.2',
        attributes: span.attributes,
        resource: span.resource,
        events: [{ ...span.events[0], timestamp: '2026-01-02 03:04:05.678902' }],
        links: [
          { trace_id: 'f'.repeat(32), span_id: 'e'.repeat(16), attributes: { kind: 'cause' } },
        ],
      },
      { duration_us: -5, stack: null, status_code: null, events: [], links: [] },
    ])
  })

  it('of telemetry.deployments', async () => {
    await send('deployments', deployment)
    expect((await sink.untilComplete('deployments')).ok).toBe(true)
    expect(await sink.rows('SELECT * FROM deployments')).toMatchObject([
      {
        ...origin,
        id: deployment.id,
        timestamp: AT_TEXT,
        tenant: 'default',
        service: 'checkout',
        environment: 'production',
        version: 'v1.2',
        status: 'succeeded',
        kind: 'deployment',
        commit: deployment.commit,
        ref: 'main',
        deployed_by: 'ana',
        started_at: '2026-01-02 03:04:04.678',
        finished_at: AT_TEXT,
        planned_from: null,
        planned_to: null,
        url: null,
        source: 'gitlab',
        source_id: '17',
        metadata: { project: 'shop' },
      },
    ])
  })

  it('of telemetry.alerts', async () => {
    await send('alerts', alert)
    expect((await sink.untilComplete('alerts')).ok).toBe(true)
    expect(await sink.rows('SELECT * FROM alerts')).toMatchObject([
      {
        ...origin,
        id: alert.id,
        timestamp: AT_TEXT,
        tenant: 'default',
        fingerprint: 'f00d',
        status: 'firing',
        name: 'HighLatency',
        severity: 'critical',
        service: null,
        starts_at: AT_TEXT,
        ends_at: null,
        labels: alert.labels,
        annotations: alert.annotations,
        generator_url: 'http://prometheus/graph',
        source: 'alertmanager',
        receiver: null,
        group_key: null,
      },
    ])
  })
})

describe('a bill', () => {
  const amounts = `toString(billed_cost) AS billed, toString(effective_cost) AS effective`

  it('is kept to the last digit', async () => {
    await send('costs', cost)
    expect((await sink.untilComplete('costs')).ok).toBe(true)
    expect(
      await sink.rows(`SELECT *, ${amounts}, toString(list_cost) AS list FROM costs`),
    ).toMatchObject([
      {
        ...origin,
        charge_period_start: AT_TEXT,
        charge_period_end: '2026-01-02 04:04:05.678',
        billing_period_start: '2026-01-01 00:00:00.000',
        billing_account_id: '4711',
        sub_account_id: '4712',
        service_name: 'Amazon EC2',
        status: 'estimated',
        charge_category: 'usage',
        is_correction: false,
        billed: '-0.000000000001',
        effective: '99999999999999999999999999.999999999999',
        list: '0.1',
        contracted_cost: null,
        tags: { team: 'shop' },
        extra: { x_Discount: '1' },
        as_of: AT_TEXT,
        source_id: '17',
      },
    ])
  })

  it('says what its newest delivery says, each row once; periods and exports do not touch each other', async () => {
    const row = (id: string, billed: string, changes: Partial<CostRecord> = {}) => ({
      ...cost,
      id: id.repeat(32),
      tenant: 'bills',
      billedCost: decimalBytes(billed),
      ...changes,
    })
    const february = { billingPeriodStart: Date.UTC(2026, 1, 1) }
    const newer = { asOf: AT_MS + 1 }
    await send('costs', row('1', '10'), row('2', '20'), row('3', '0.5', february))
    await send('costs', row('4', '11', newer), row('4', '11', newer))
    await send('costs', row('5', '100', { export: 'other' }), row('6', '19', { asOf: AT_MS - 1 }))
    expect((await sink.untilComplete('costs')).ok).toBe(true)
    expect(
      await sink.rows(
        `SELECT toString(sum(billed_cost)) AS total FROM costs_latest WHERE tenant = 'bills'`,
      ),
    ).toEqual([{ total: '111.5' }])
  })
})

it('a point says how to read its series', async () => {
  const point = { timestamp: AT_MS, value: 1, tenant: 'k', name: 'n', labels: {}, unit: null }
  await send('metrics', { ...point, kind: 'counter' })
  await sink.untilComplete('metrics')
  const kind = [{ kind: 'counter' }]
  expect(await sink.rows('SELECT kind FROM metrics')).toEqual(kind)
  expect(await sink.rows('SELECT anyLast(kind) AS kind FROM series')).toEqual(kind)
})

describe('what comes again', () => {
  it('is one deployment, also when its sender told no time and it got another one', async () => {
    await send('deployments', deployment, { ...deployment, timestamp: AT_MS + 5_000 })
    await send('deployments', { ...deployment, id: 'e'.repeat(32), status: 'failed' })
    expect((await sink.untilComplete('deployments')).ok).toBe(true)
    expect(await sink.rows('SELECT id, status FROM deployments_latest ORDER BY id')).toEqual([
      { id: deployment.id, status: 'succeeded' },
      { id: 'e'.repeat(32), status: 'failed' },
    ])
  })

  it('is one alert', async () => {
    const resolved = { ...alert, id: 'b'.repeat(32), status: 'resolved', endsAt: AT_MS + 9 }
    await send('alerts', alert, resolved, resolved)
    expect((await sink.untilComplete('alerts')).ok).toBe(true)
    expect(await sink.rows('SELECT id, status FROM alerts_latest ORDER BY id')).toEqual([
      { id: alert.id, status: 'firing' },
      { id: 'b'.repeat(32), status: 'resolved' },
    ])
  })

  it('is one span, which has an end once one was told, whatever came first', async () => {
    const [early, twice] = ['2'.repeat(32), '3'.repeat(32)]
    const open = { ...span, durationUs: null, endpoint: 'GET' }
    await send('spans', { ...open, traceId: early }, { ...span, traceId: early })
    await send('spans', { ...span, traceId: twice }, { ...open, traceId: twice })
    await send('spans', { ...open, traceId: '4'.repeat(32) })
    expect((await sink.untilComplete('spans')).ok).toBe(true)
    const latest = 'SELECT endpoint, duration_us FROM spans_latest WHERE'
    const ended = [{ endpoint: span.endpoint, duration_us: span.durationUs }]
    expect(await sink.rows(`${latest} trace_id = '${early}'`)).toEqual(ended)
    expect(await sink.rows(`${latest} trace_id = '${twice}'`)).toEqual(ended)
    expect(await sink.rows(`${latest} trace_id = '${'4'.repeat(32)}'`)).toEqual([
      { endpoint: 'GET', duration_us: null },
    ])
  })

  it('is one trace, of which is known when and where it was', async () => {
    const traceId = '5'.repeat(32)
    const child = { ...span, traceId, service: 'payment', start: AT_US + 500 }
    await send('spans', { ...span, traceId }, child, child)
    await sink.untilComplete('spans')
    expect(
      await sink.rows(`
        SELECT min(start) AS first, max(last_start) AS last, arraySort(groupUniqArrayArray(services)) AS services
        FROM traces WHERE tenant = 'default' AND trace_id = '${traceId}'`),
    ).toEqual([
      {
        first: '2026-01-02 03:04:05.678901',
        last: '2026-01-02 03:04:05.679401',
        services: ['checkout', 'payment'],
      },
    ])
  })
})

it('a record that makes no key, or has a time that no column holds, is a dead letter', async () => {
  await send('logs', { ...log, service: '' }, { ...log, tenant: 'a\u001fb' })
  await send('logs', { ...log, timestamp: Date.UTC(2300, 0, 1) })
  await send('spans', { ...span, traceId: '' }, { ...span, start: -3e15 })
  const tooMany = Buffer.from('7f'.padEnd(32, '0'), 'hex')
  await send('costs', { ...cost, billedCost: tooMany }, { ...cost, listCost: Buffer.alloc(0) })
  const expected = { logs: 3, spans: 2, costs: 2 }
  for (const [table, deadLetters] of Object.entries(expected)) {
    const { partitions, ok } = await sink.untilComplete(table)
    expect({ ok, deadLetters: partitions[0]?.deadLetters }).toEqual({ ok: true, deadLetters })
  }
})
