import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Value } from 'typebox/value'
import type { TSchema } from 'typebox'
import {
  anomalyOf,
  at,
  baselineOf,
  iso,
  minuteMs,
  openTestApi,
  pointOf,
  rollupOf,
  testSeries,
  type TestApi,
} from './testing/api-fixture.ts'

const cpu = testSeries('system.cpu.utilization', { host: 'web-1' })
const disk = testSeries('system.disk.io', { host: 'web-1', device: 'vda' })
const latency = testSeries('http.server.duration', { service: 'payment' })
const busy = testSeries('busy')
const expired = testSeries('expired')
const old = testSeries('ec2.cpu', { file: 'a.csv' }, 'replay-nab')

let api: TestApi

beforeAll(async () => {
  api = await openTestApi({
    consumerLag: [{ consumer: 'sink', topic: 'telemetry.metrics', records: 7 }],
  })
  await api.insert('metrics', [
    ...Array.from({ length: 60 }, (_, minute) => pointOf(cpu, minute, minute)),
    pointOf(disk, 59, 'nan'),
    pointOf(latency, 58, 'inf'),
    ...Array.from({ length: 300 }, (_, index) => pointOf(busy, index / 5, index)),
    pointOf(expired, 59, 1),
    pointOf(old, -1_000_000, 4),
    pointOf(old, -1_000_001, 3),
  ])
  await api.insert('rollups_1m', [
    ...Array.from({ length: 60 }, (_, minute) =>
      rollupOf(
        busy,
        minute,
        [0, 1, 2, 3, 4].map((step) => minute * 5 + step),
      ),
    ),
    ...Array.from({ length: 60 }, (_, minute) => rollupOf(expired, minute, [1, 3])),
  ])
  await api.insert('baselines', [baselineOf(cpu, -5, 10), baselineOf(cpu, 30, 30)])
  await api.insert('anomalies', [
    anomalyOf({ id: 'a1', of: cpu, start: 10, severity: 'critical' }),
    anomalyOf({ id: 'a1', of: cpu, start: 10, revision: 2, severity: 'medium', end: 20 }),
    anomalyOf({ id: 'a2', of: disk, start: 40, severity: 'high' }),
    anomalyOf({ id: 'a3', of: latency, start: 50, severity: 'critical', service: 'payment' }),
    anomalyOf({ id: 'a4', of: latency, start: 50, severity: 'low', service: 'payment' }),
    anomalyOf({ id: 'r1', of: old, start: -1_000_000 }),
  ])
})

afterAll(() => api.close())

interface OpenApi {
  readonly openapi: string
  readonly paths: Readonly<
    Record<
      string,
      {
        get: {
          parameters?: readonly { in: string; required?: boolean }[]
          responses: { '200': { content: { 'application/json': { schema: TSchema } } } }
        }
      }
    >
  >
}

/** What the tests look at in items of any list. */
interface Item {
  readonly id: string
  readonly series: string
  readonly name: string
  readonly tenant: string
  readonly timestamp: string
  readonly value: number | string
  readonly expected: number | null
  readonly severity: string
  readonly anomaly: unknown
  readonly spark: readonly number[]
}

interface Answer {
  readonly items: readonly Item[]
  readonly next: string | null
  readonly resolution: string
  readonly anomalies: readonly Item[]
  readonly more_anomalies: boolean
  readonly anomaly: { readonly revision: number }
  readonly revisions: readonly Item[]
  readonly parts: readonly Item[]
  readonly words: readonly string[]
  readonly ready: boolean
  readonly totals: unknown
  readonly lags: { readonly consumers: unknown }
}

const get = async (url: string) => {
  const response = await api.app.inject({ url })
  return { status: response.statusCode, headers: response.headers, body: response.json<Answer>() }
}
const items = async (url: string): Promise<readonly Item[]> => (await get(url)).body.items
const ids = async (query: string) => (await items(`/api/anomalies?${query}`)).map(({ id }) => id)

/** Follows `next` to the end. */
const walk = async (url: string): Promise<Item[]> => {
  const all: Item[] = []
  let cursor = ''
  for (let pages = 1; ; pages += 1) {
    const { body } = await get(`${url}${cursor}`)
    all.push(...body.items)
    if (body.next === null) return all
    expect(pages).toBeLessThan(100)
    cursor = `&cursor=${encodeURIComponent(body.next)}`
  }
}

describe('telemetry', () => {
  it('gives the newest points of the tenant first', async () => {
    const [first, second] = await items('/api/telemetry?limit=2&name=system.cpu.utilization')
    expect(first).toEqual({
      timestamp: iso(at(59)),
      tenant: 'default',
      series: cpu.series,
      name: 'system.cpu.utilization',
      labels: { host: 'web-1' },
      value: 59,
      unit: '1',
    })
    expect(second?.value).toBe(58)
  })

  it('writes what JSON lacks as text', async () => {
    expect((await items(`/api/telemetry?series=${disk.series}`))[0]?.value).toBe('NaN')
    expect((await items(`/api/telemetry?series=${latency.series}`))[0]?.value).toBe('Infinity')
  })

  it('pages through everything once, in order', async () => {
    const all = await walk('/api/telemetry?limit=50')
    expect(all).toHaveLength(60 + 1 + 1 + 300 + 1)
    expect(new Set(all.map((point) => `${point.series} ${point.timestamp}`)).size).toBe(all.length)
    const times = all.map(({ timestamp }) => timestamp)
    expect(times).toEqual([...times].sort().reverse())
  })

  it('finds the newest points however old they are', async () => {
    expect(
      (await items('/api/telemetry?tenant=replay-nab&limit=2')).map(({ value }) => value),
    ).toEqual([4, 3])
  })

  it('[from, to) is half open', async () => {
    const url = `/api/telemetry?series=${cpu.series}&from=${at(3)}&to=${iso(at(5))}`
    expect((await items(url)).map(({ value }) => value)).toEqual([4, 3])
  })

  it('has nothing for an unknown tenant', async () => {
    expect((await get('/telemetry?tenant=nobody')).body).toEqual({ items: [], next: null })
  })

  it('answers at its alias, too', async () => {
    expect(await items('/telemetry?limit=3')).toEqual(await items('/api/telemetry?limit=3'))
  })
})

describe('series', () => {
  const names = async (query: string) =>
    (await items(`/api/series?${query}`)).map(({ name }) => name)

  it('puts what is unusual now on top, the worst first', async () => {
    expect(await names('sort=unusual')).toEqual([
      'http.server.duration',
      'system.disk.io',
      'busy',
      'expired',
      'system.cpu.utilization',
    ])
    const [worst] = await items('/api/series?sort=unusual')
    expect(worst?.anomaly).toEqual({
      id: 'a3',
      severity: 'critical',
      start: iso(at(50)),
      message: 'http.server.duration is 600 where 180 is usual',
    })
  })

  it('tells how alive a series is', async () => {
    const [found] = await items(`/api/series?series=${cpu.series}`)
    expect(found).toMatchObject({
      first_seen: iso(at(0)),
      last_seen: iso(at(59)),
      points: 60,
      last_value: 59,
      unit: '1',
      anomaly: null,
    })
  })

  it.each([
    { query: 'q=CPU', found: ['system.cpu.utilization'] },
    { query: 'q=web-1', found: ['system.cpu.utilization', 'system.disk.io'] },
    { query: 'q=web-1+vda', found: ['system.disk.io'] },
    { query: 'q=device%3Dvda', found: ['system.disk.io'] },
    { query: "q=%25'%20OR%201=1", found: [] },
    { query: 'label=host%3Dweb-1', found: ['system.cpu.utilization', 'system.disk.io'] },
    { query: 'label=host%3Dweb-1&label=device%3Dvda', found: ['system.disk.io'] },
    { query: 'label=host%3Dweb', found: [] },
    { query: 'name=busy', found: ['busy'] },
    { query: 'tenant=replay-nab', found: ['ec2.cpu'] },
  ])('$query finds $found', async ({ query, found }) => {
    expect(await names(query)).toEqual(found)
  })

  it.each(['name', 'unusual'])('pages by %s through each series once', async (sort) => {
    const all = (await walk(`/api/series?limit=2&sort=${sort}`)).map(({ series }) => series)
    expect(all).toEqual((await items(`/api/series?sort=${sort}`)).map(({ series }) => series))
    expect(new Set(all).size).toBe(5)
  })

  it('adds a line of recent means', async () => {
    const [found] = await items('/api/series?name=busy&spark=true')
    expect(found?.spark).toHaveLength(30)
    expect(found?.spark.at(-1)).toBe(297)
  })
})

describe('points of a series', () => {
  const points = async (of: { series: string; tenant: string }, query = '') =>
    (await get(`/api/series/${of.series}/points?tenant=${of.tenant}&${query}`)).body

  it('come raw while they fit, with the band in force before each', async () => {
    const answer = await points(cpu, `from=${at(0)}&to=${at(60)}`)
    expect(answer.resolution).toBe('raw')
    expect(answer.items).toHaveLength(60)
    expect(answer.items[30]).toMatchObject({ value: 30, expected: 10, lower: 9, upper: 11 })
    expect(answer.items[31]).toMatchObject({ value: 31, expected: 30, lower: 29, upper: 31 })
    expect(answer.anomalies.map(({ id }) => id)).toEqual(['a1'])
    expect(answer.more_anomalies).toBe(false)
    expect(answer.next).toBeNull()
  })

  it('without a stretch are the last hour there is', async () => {
    const answer = await points(old)
    expect(answer).toMatchObject({ resolution: 'raw', to: iso(at(-1_000_000) + 1) })
    expect(answer.items.map(({ value }) => value)).toEqual([3, 4])
    expect(answer.items[0]?.expected).toBeNull()
  })

  it('come from roll-ups when raw ones do not fit', async () => {
    const answer = await points(busy, `from=${at(0)}&to=${at(60)}&limit=30`)
    expect(answer.resolution).toBe('2m')
    expect(answer.items).toHaveLength(30)
    expect(answer.items[1]).toMatchObject({
      timestamp: iso(at(2)),
      value: 14.5,
      min: 10,
      max: 19,
      count: 10,
    })
  })

  it('come from roll-ups where raw ones have expired', async () => {
    const answer = await points(expired, `from=${at(0)}&to=${at(60)}`)
    expect(answer.resolution).toBe('1m')
    expect(answer.items).toHaveLength(60)
  })

  it('keep the newest and say where to go on', async () => {
    const query = `from=${at(0)}&resolution=raw&limit=20`
    const first = await points(cpu, `${query}&to=${at(60)}`)
    expect(first.items[0]?.value).toBe(40)
    expect(first.next).toBe(iso(at(40)))
    const second = await points(cpu, `${query}&to=${first.next}`)
    expect(second.items.at(-1)?.value).toBe(39)
  })

  it.each([
    { title: 'an unknown series', url: `/api/series/${'0'.repeat(32)}/points` },
    { title: 'a series of another tenant', url: `/api/series/${old.series}/points` },
  ])('$title is not found', async ({ url }) => {
    expect(await get(url)).toMatchObject({ status: 404, body: { code: 'unknown-series' } })
  })
})

describe('anomalies', () => {
  it('are episodes as their newest revision has them, newest first', async () => {
    expect(await ids('')).toEqual(['a4', 'a3', 'a2', 'a1'])
    const found = await items('/api/anomalies')
    expect(found[3]).toMatchObject({
      revision: 2,
      severity: 'medium',
      state: 'closed',
      end: iso(at(20)),
    })
  })

  it.each([
    { query: 'severity=critical', found: ['a3'] },
    { query: 'severity=critical&severity=medium', found: ['a3', 'a1'] },
    { query: 'state=open', found: ['a4', 'a3', 'a2'] },
    { query: 'state=closed', found: ['a1'] },
    { query: 'service=payment', found: ['a4', 'a3'] },
    { query: `series=${disk.series}`, found: ['a2'] },
    { query: `to=${at(40)}`, found: ['a1'] },
    { query: `to=${at(40) + 1}`, found: ['a2', 'a1'] },
    { query: `from=${at(20)}`, found: ['a4', 'a3', 'a2', 'a1'] },
    { query: `from=${at(20) + 1}`, found: ['a4', 'a3', 'a2'] },
    { query: 'tenant=replay-nab', found: ['r1'] },
  ])('$query: $found', async ({ query, found }) => {
    expect(await ids(query)).toEqual(found)
  })

  it('page through each episode once, though two began together', async () => {
    const pages = await walk('/api/anomalies?limit=1')
    expect(pages.map(({ id }) => id)).toEqual(['a4', 'a3', 'a2', 'a1'])
  })

  it('show all their revisions', async () => {
    const { body } = await get('/api/anomalies/a1')
    expect(body.revisions.map(({ severity }) => severity)).toEqual(['critical', 'medium'])
    expect(body.anomaly.revision).toBe(2)
    expect(await get('/api/anomalies/a1?tenant=replay-nab')).toMatchObject({ status: 404 })
  })

  it('are the last 100 unless told otherwise', async () => {
    const of = testSeries('many', {}, 'many')
    await api.insert(
      'anomalies',
      Array.from({ length: 150 }, (_, index) => anomalyOf({ id: `m${index}`, of, start: index })),
    )
    const found = await items('/api/anomalies?tenant=many')
    expect(found).toHaveLength(100)
    expect(found[0]?.id).toBe('m149')
    expect(found[99]?.id).toBe('m50')
  })
})

describe('the whole', () => {
  it('knows its tenants', async () => {
    const found = await items('/api/tenants')
    expect(found.map(({ tenant }) => tenant)).toEqual(['default', 'replay-nab'])
    expect(found[0]).toMatchObject({ series: 5, points: 363, open_anomalies: 3 })
    expect(await walk('/api/tenants?limit=1')).toEqual(found)
  })

  it('tells its state in numbers and words', async () => {
    const { body } = await get('/api/status')
    expect(body.ready).toBe(true)
    expect(body.totals).toMatchObject({
      tenants: 2,
      points: 365,
      newest_point: iso(at(59) + 0.8 * minuteMs),
    })
    expect(body.lags.consumers).toEqual([
      { consumer: 'sink', topic: 'telemetry.metrics', records: 7 },
    ])
    expect(body.words[0]).toBe('All 2 parts work.')
  })

  it('is ready, and says so with the parts it asked', async () => {
    const { status, body } = await get('/readyz')
    expect(status).toBe(200)
    expect(body.parts.map(({ name }) => name)).toEqual(['clickhouse', 'migrations'])
  })

  it('counts its answers by route', async () => {
    await get(`/api/series/${cpu.series}/points`)
    const { payload } = await api.app.inject({ url: '/metrics' })
    expect(payload).toContain('route="/api/series/:series/points",method="GET",status="200"')
    expect(payload).not.toContain(cpu.series)
  })

  it('answers as its OpenAPI document says', async () => {
    const document = (await api.app.inject({ url: '/docs/json' })).json<OpenApi>()
    expect(document.openapi).toBe('3.1.0')
    for (const url of [
      '/healthz',
      '/health',
      '/readyz',
      '/api/telemetry',
      '/telemetry',
      '/api/series',
      '/api/anomalies',
      '/api/tenants',
      '/api/status',
    ]) {
      const { body } = await get(url)
      const { parameters = [], responses } = document.paths[url]!.get
      expect(parameters.filter(({ required }) => required === true)).toEqual([])
      const { schema } = responses['200'].content['application/json']
      expect([...Value.Errors(schema, body)], url).toEqual([])
    }
  })

  it('names what is missing before the tables exist', async () => {
    const empty = await openTestApi({ migrated: false })
    const readiness = await empty.app.inject({ url: '/readyz' })
    const series = await empty.app.inject({ url: '/api/series' })
    const state = await empty.app.inject({ url: '/api/status' })
    await empty.close()
    expect(readiness.statusCode).toBe(503)
    expect(readiness.json().parts[1]).toMatchObject({ name: 'migrations', state: 'failed' })
    expect(series.statusCode).toBe(503)
    expect(series.headers['retry-after']).toBe('5')
    expect(series.json()).toMatchObject({ code: 'storage-not-prepared' })
    expect(state.statusCode).toBe(200)
    expect(state.json()).toMatchObject({ ready: false, totals: null })
  })
})

describe('wrong questions', () => {
  it.each([
    { url: '/api/anomalies?limit=0', field: 'limit', limit: 'at least 1' },
    { url: '/api/anomalies?limit=1001', field: 'limit', limit: 'at most 1000' },
    { url: '/api/anomalies?limit=many', field: 'limit', limit: 'of type integer' },
    {
      url: '/api/anomalies?severity=awful',
      field: 'severity',
      limit: 'one of low, medium, high, critical',
    },
    { url: '/api/anomalies?form=1', field: 'form', limit: 'tenant, service, series' },
    { url: '/api/telemetry?from=then', field: 'from', limit: 'ISO 8601' },
    { url: '/api/telemetry?from=2&to=1', field: 'to', limit: 'later than from' },
    { url: '/api/telemetry?cursor=abc', field: 'cursor', limit: 'next' },
    { url: '/api/series?label=host', field: 'label', limit: 'key=value' },
    { url: '/api/series?q=a+b+c+d+e+f+g+h+i', field: 'q', limit: 'at most 8 words' },
    { url: '/api/series/short/points', field: 'series', limit: '32' },
    {
      url: `/api/series/${cpu.series}/points?resolution=7m`,
      field: 'resolution',
      limit: 'one of auto, raw',
    },
    { url: '/api/telemetry?tenant=', field: 'tenant', limit: '1 to 128' },
  ])('$url: 400 about $field', async ({ url, field, limit }) => {
    const { status, headers, body } = await get(url)
    expect(status).toBe(400)
    expect(headers['content-type']).toContain('application/problem+json')
    expect(body).toMatchObject({ field, limit: expect.stringContaining(limit), instance: url })
  })

  it.each([
    { method: 'GET' as const, url: '/api/nothing' },
    { method: 'POST' as const, url: '/api/series' },
    { method: 'GET' as const, url: '/..%2f..%2fpackage.json' },
    { method: 'GET' as const, url: '/format.test.ts' },
    { method: 'GET' as const, url: '/vendor/uplot/uPlot.cjs.js' },
  ])('$method $url is not there', async ({ method, url }) => {
    const response = await api.app.inject({ method, url })
    expect([403, 404]).toContain(response.statusCode)
    expect(response.headers['content-type']).toContain('application/problem+json')
  })
})

it.each(['/', '/main.js', '/style.css', '/vendor/uplot/uPlot.esm.js', '/docs'])(
  '%s is served with headers that keep a browser in its place',
  async (url) => {
    const { statusCode, headers } = await api.app.inject({ url })
    expect(statusCode).toBe(200)
    expect(headers['content-security-policy']).toContain("default-src '")
    expect(headers['content-security-policy']).not.toContain('http')
    expect(headers['x-content-type-options']).toBe('nosniff')
  },
)
