import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ShopScope } from './app.ts'
import { randomFrom } from './random.ts'
import { ITEMS, priceCents, someBasket, Stock } from './stock.ts'
import { openShop } from './testing/open-shop.ts'

let shop: ShopScope
beforeEach(async () => {
  shop = await openShop()
})
afterEach(() => shop.close())

const post = (url: string, body?: object) =>
  shop.inject({ method: 'POST', url, ...(body === undefined ? {} : { body }) })
const active = async (): Promise<unknown> =>
  (await shop.inject('/simulate/status')).json<{ active: unknown }>().active

describe('business', () => {
  it.each([
    {
      title: 'is healthy',
      ask: () => shop.inject('/health'),
      status: 200,
      says: { status: 'healthy' },
    },
    {
      title: 'has things',
      ask: () => shop.inject('/inventory'),
      status: 200,
      says: { items: [{ sku: 'mug-blue', available: 400 }] },
    },
    {
      title: 'takes payments',
      ask: () => post('/payment', { amountCents: 1290 }),
      status: 201,
      says: { status: 'paid', amountCents: 1290 },
    },
    {
      title: 'takes payments of nothing in particular',
      ask: () => post('/payment'),
      status: 201,
      says: { status: 'paid' },
    },
    {
      title: 'reserves',
      ask: () => post('/inventory', { items: [{ sku: 'kettle', quantity: 2 }] }),
      status: 201,
      says: {},
    },
  ])('$title', async ({ ask, status, says }) => {
    const answer = await ask()
    expect(answer.statusCode).toBe(status)
    const json = answer.json<{ items?: unknown[] }>()
    expect(json.items === undefined ? json : { items: json.items.slice(0, 1) }).toMatchObject(says)
  })

  it.each([
    {
      title: 'what it does not sell',
      url: '/checkout',
      body: { items: [{ sku: 'car', quantity: 1 }] },
    },
    { title: 'no quantity', url: '/checkout', body: { items: [{ sku: 'kettle' }] } },
    { title: 'nothing', url: '/checkout', body: { items: [] } },
    { title: 'no amount', url: '/payment', body: { amountCents: 0 } },
    { title: 'an amount that is text', url: '/payment', body: { amountCents: '5' } },
  ])('refuses $title', async ({ url, body }) => {
    const answer = await post(url, body)
    expect(answer.statusCode).toBe(400)
    expect(answer.headers['content-type']).toContain('application/problem+json')
  })

  it('names its paths where there is none', async () => {
    const answer = await shop.inject('/cart')
    expect(answer.statusCode).toBe(404)
    expect(answer.json<{ detail: string }>().detail).toContain('POST /checkout')
  })
})

describe('faults', () => {
  it('nothing at first', async () => {
    expect(await active()).toEqual({ delays: {}, errors: {} })
  })

  it('are ordered, shown and cleared', async () => {
    expect((await post('/simulate/delay?endpoint=/payment&duration=2000')).statusCode).toBe(200)
    expect((await post('/simulate/error?endpoint=inventory&rate=0.8')).json()).toEqual({
      endpoint: '/inventory',
      rate: 0.8,
      active: { delays: { '/payment': 2000 }, errors: { '/inventory': 0.8 } },
    })
    await post('/simulate/delay?endpoint=/payment&duration=0')
    expect(await active()).toEqual({ delays: {}, errors: { '/inventory': 0.8 } })
    expect((await post('/simulate/clear')).json()).toEqual({ active: { delays: {}, errors: {} } })
  })

  it.each([
    {
      url: '/simulate/delay?duration=5',
      field: 'endpoint',
      limit: 'one of /health, /inventory, /payment, /checkout',
    },
    { url: '/simulate/delay?endpoint=/cart&duration=5', field: 'endpoint', limit: 'one of' },
    { url: '/simulate/delay?endpoint=/payment', field: 'duration', limit: 'from 0 to 60000' },
    { url: '/simulate/delay?endpoint=/payment&duration=', field: 'duration', limit: 'from 0' },
    { url: '/simulate/delay?endpoint=/payment&duration=-1', field: 'duration', limit: 'from 0' },
    {
      url: '/simulate/delay?endpoint=/payment&duration=1.5',
      field: 'duration',
      limit: 'a whole number',
    },
    { url: '/simulate/delay?endpoint=/payment&duration=60001', field: 'duration', limit: 'from 0' },
    { url: '/simulate/delay?endpoint=/payment&duration=soon', field: 'duration', limit: 'from 0' },
    { url: '/simulate/error?endpoint=/payment', field: 'rate', limit: 'from 0 to 1' },
    { url: '/simulate/error?endpoint=/payment&rate=1.01', field: 'rate', limit: 'from 0 to 1' },
    { url: '/simulate/error?endpoint=/payment&rate=NaN', field: 'rate', limit: 'from 0 to 1' },
    { url: '/simulate/error?endpoint=/payment&rate=50%25', field: 'rate', limit: 'from 0 to 1' },
  ])('$url: the answer names $field and its limit', async ({ url, field, limit }) => {
    const answer = await post(url)
    expect(answer.statusCode).toBe(400)
    const problem = answer.json<{ field: string; limit: string; detail: string }>()
    expect(problem).toMatchObject({ field, limit: expect.stringContaining(limit) as string })
    expect(problem.detail).toContain(`${field} must be`)
    expect(await active()).toEqual({ delays: {}, errors: {} })
  })

  it.each([
    { rate: '0.5', status: 200 },
    { rate: '0.51', status: 500 },
    { rate: '1', status: 500 },
    { rate: '0', status: 200 },
  ])('with a chance of 0.5, a rate of $rate answers $status', async ({ rate, status }) => {
    await post(`/simulate/error?endpoint=/inventory&rate=${rate}`)
    expect((await shop.inject('/inventory')).statusCode).toBe(status)
    expect((await shop.inject('/healthz')).statusCode).toBe(200)
  })

  it('a delay is as long as was ordered, there and nowhere else', async () => {
    await post('/simulate/delay?endpoint=/health&duration=120')
    const startedMs = performance.now()
    await shop.inject('/healthz')
    const betweenMs = performance.now()
    await shop.inject('/health')
    expect(performance.now() - betweenMs).toBeGreaterThan(115)
    expect(betweenMs - startedMs).toBeLessThan(115)
  })
})

it('shelves never run empty', () => {
  const stock = new Stock()
  const filled = Array.from({ length: 50 }, () => stock.take([{ sku: 'kettle', quantity: 20 }]))
  expect(filled.filter((skus) => skus.length > 0)).toHaveLength(2)
  for (const { available } of stock.shelves()) expect(available).toBeGreaterThan(0)
})

it('the same seed buys the same', () => {
  const buy = (seed: number) => Array.from({ length: 20 }, () => someBasket(randomFrom(seed)))
  expect(buy(1)).toEqual(buy(1))
  const random = randomFrom(3)
  for (const basket of Array.from({ length: 100 }, () => someBasket(random))) {
    expect(basket.length).toBeLessThanOrEqual(3)
    expect(priceCents(basket)).toBeGreaterThanOrEqual(
      Math.min(...ITEMS.map((item) => item.priceCents)),
    )
  }
})
