/** The page in a real browser, over the real API and ClickHouse. */
import type { AddressInfo } from 'node:net'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  anomalyOf,
  baselineOf,
  openTestApi,
  pointOf,
  testSeries,
  type TestApi,
} from './testing/api-fixture.ts'
import { ringOf, testKey } from '../shared/identity/testing/test-keys.ts'
import { findChromium } from './testing/find-chromium.ts'

const executablePath = findChromium(process.env['PATH'] ?? '')
const flags = ['--no-sandbox', '--headless', '--disable-gpu', '--disable-background-networking']
const unseen =
  executablePath === undefined ? ' (skipped: no Chromium on the search path; install chromium)' : ''

const cpu = testSeries('system.cpu.utilization', { host: 'web-1' })
const calm = testSeries('system.memory.usage', { host: 'web-1' })
const wild = '<img src=x onerror=alert(1)>'
const hostile = testSeries('hostile', { label: wild })
const early = testSeries('a.calm', {}, 'past')
const past = testSeries('z.past', {}, 'past')

describe.skipIf(executablePath === undefined)(`the page in a browser${unseen}`, () => {
  let api: TestApi
  let browser: Browser
  let origin: string
  const complaints: string[] = []

  beforeAll(async () => {
    api = await openTestApi()
    const minutes = Array.from({ length: 60 }, (_, minute) => minute)
    await api.insert('metrics', [
      ...minutes.map((minute) => pointOf(cpu, minute, minute < 40 ? 0.3 : 0.9)),
      ...minutes.map((minute) => pointOf(calm, minute, 0.5)),
      pointOf(hostile, 59, 1),
      pointOf(early, 59, 1),
      pointOf(past, 59, 1),
    ])
    await api.insert('baselines', [baselineOf(cpu, -1, 0.3)])
    await api.insert('anomalies', [
      anomalyOf({ id: 'a1', of: cpu, start: 40, severity: 'critical' }),
      { ...anomalyOf({ id: 'a2', of: hostile, start: 10, end: 20 }), message: wild },
      anomalyOf({ id: 'a3', of: past, start: 5, end: 6 }),
    ])
    await api.app.listen({ host: '127.0.0.1', port: 0 })
    origin = `http://127.0.0.1:${String((api.app.server.address() as AddressInfo).port)}`
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: flags })
  })

  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()))
  })

  afterAll(async () => {
    await browser.close()
    await api.close()
  })

  const open = async (address = '', width = 1280): Promise<Page> => {
    const page = await browser.newPage({ viewport: { width, height: 900 } })
    page.on('console', (message) => {
      if (message.type() !== 'log') complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('request', (request) => {
      if (!request.url().startsWith(origin)) complaints.push(`asked ${request.url()}`)
    })
    await page.goto(`${origin}/${address}`)
    await page.waitForSelector('#anomalies li')
    return page
  }

  /** Pixels of the chart that differ from its background. */
  const drawnPixels = (page: Page): Promise<number> =>
    page.evaluate(`{
      const canvas = document.querySelector('#plot canvas')
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
      data.filter((part, index) => index % 4 === 3 && part > 0).length
    }`)

  it('opens a tenant where something happened last, though it is over', async () => {
    const page = await open('#tenant=past')
    await page.waitForSelector('#chart-heading:has-text("z.past")')
  })

  it('shows the most unusual series with its chart and its anomaly', async () => {
    const page = await open()
    await page.waitForSelector('#plot[aria-label*="in view"]')
    expect(await page.textContent('#chart-heading')).toBe('system.cpu.utilization')
    expect(await page.getAttribute('#plot', 'aria-label')).toContain('1 anomalies in view')
    expect(await drawnPixels(page)).toBeGreaterThan(2000)
    expect(await page.textContent('#series li:first-child')).toContain('critical')
    expect(await page.textContent('#anomalies li:first-child .message')).toBe(
      'system.cpu.utilization is 600 where 180 is usual',
    )
    expect(await page.textContent('#health-pill')).toBe('All 2 parts work')
    expect(await page.title()).toBe('(1) Millrace')
  })

  it('follows a click to another series, and a link to the same', async () => {
    const page = await open()
    await page.click('button.series:has-text("system.memory.usage")')
    await page.waitForSelector('#chart-heading:has-text("system.memory.usage")')
    const address = new URL(page.url()).hash
    expect(address).toContain(calm.series)
    const other = await open(address)
    await other.waitForSelector('#chart-heading:has-text("system.memory.usage")')
    await page.goBack()
    await page.waitForSelector('#chart-heading:has-text("system.cpu.utilization")')
  })

  it('reads point by point with the keyboard', async () => {
    const page = await open()
    await page.waitForSelector('#readout dd')
    await page.focus('#plot')
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('ArrowLeft')
    await page.waitForSelector('#readout dt:text-is("Point")')
    expect(await page.textContent('#readout')).toContain('2026-01-31 08:58:00 UTC')
  })

  it('finds series as one types, and says when there is none', async () => {
    const page = await open()
    await page.fill('#search', 'memory')
    await page.waitForSelector('#series li:only-child:has-text("system.memory.usage")')
    await page.fill('#search', 'nothing like it')
    await page.waitForSelector('#series-note:has-text("mentions “nothing like it”")')
  })

  it('shows what strangers wrote as text', async () => {
    const page = await open()
    expect(await page.textContent('#anomalies li:last-child .message')).toBe(wild)
    expect(await page.locator('img').count()).toBe(0)
  })

  it.each([390, 1280])('needs no sideways scrolling at %i px', async (width) => {
    const page = await open('', width)
    await page.waitForSelector('#readout dd')
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
  })

  it('says that Millrace does not answer, keeps what it had, and goes on when it is back', async () => {
    const page = await open()
    await page.waitForSelector('#health-pill[data-state="ready"]')
    await page.route('**/api/**', (route) => route.abort())
    await page.fill('#search', 'cpu') // asks at once
    await page.waitForSelector('#trouble:has-text("Millrace does not answer")')
    // Asked for by itself, so it may learn of it a little later.
    await page.waitForSelector('#health-pill:has-text("State not known")')
    expect(await page.locator('#anomalies li').count()).toBe(2)
    await page.unroute('**/api/**')
    await page.waitForSelector('#trouble', { state: 'hidden' })
    await page.waitForSelector('#health-pill[data-state="ready"]')
  })

  it('shows the API with its examples', async () => {
    const page = await browser.newPage()
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    await page.goto(`${origin}/docs`)
    await page.waitForSelector('text=Millrace query API')
  })

  it('asks for a key where one is needed, keeps it for the tab, and shows its tenant', async () => {
    const key = testKey({ tenant: 'past', roles: ['viewer'] })
    const closed = await openTestApi({ keys: ringOf(key) })
    await closed.insert('metrics', [pointOf(past, 59, 1)])
    await closed.app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = closed.app.server.address() as AddressInfo
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${String(port)}/`)
    await page.fill('#key-form input', 'wrong')
    await page.click('#key-form button')
    await page.waitForSelector('#trouble:has-text("not accepted")')
    await page.fill('#key-form input', key.key)
    await page.click('#key-form button')
    await page.waitForSelector('#chart-heading:has-text("z.past")')
    await page.reload()
    await page.waitForSelector('#chart-heading:has-text("z.past")')
    expect(await page.isHidden('#key-form')).toBe(true)
    expect(page.url()).not.toContain('mlr_')
    await page.close()
    await closed.close()
  })

  it('never made the browser complain, nor asked anybody else', () => {
    const aborted = 'net::ERR_FAILED' // on purpose, by the test of an API that is away
    expect(complaints.filter((text) => !text.includes(aborted))).toEqual([])
  })
})
