/** The short form of ops/drills/stack-kill: everything is killed at once under load, and comes back with all it had acknowledged. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../services/shared/config.ts'
import { withoutLocalServers } from '../test/stack.ts'
import { AcknowledgedPoints } from './testing/acknowledged-points.ts'
import { BrokerSide } from './testing/broker-side.ts'
import { ProductStack } from './testing/product-stack.ts'

const SOME_POINTS = 4_000
/** Two starts of everything, on a machine that may have better things to do. */
const PATIENCE_MS = 240_000

const reason = withoutLocalServers()

describe.skipIf(reason !== undefined)(
  `the whole product${reason ?? ''}`,
  { timeout: PATIENCE_MS },
  () => {
    let stack: ProductStack
    beforeAll(async () => {
      stack = await ProductStack.create()
      await stack.start()
    }, PATIENCE_MS)
    afterAll(() => stack.dispose(), PATIENCE_MS)

    it('is ready in all its parts, in less than two gigabytes', async () => {
      const { ready, processes, totalRssBytes } = await stack.status()
      expect(ready).toBe(true)
      expect(processes.map(({ state }) => state)).toEqual(processes.map(() => 'ready'))
      expect(totalRssBytes).toBeLessThan(2e9)
    })

    it('has a shop, and a checkout in it is one trace in telemetry.spans through three services', async () => {
      const { ports } = await stack.status()
      const url = `http://127.0.0.1:${String(ports?.['shop'])}/checkout`
      const traceId = (await fetch(url, { method: 'POST' })).headers.get('x-trace-id')
      const spans = await stack.spansOf(traceId ?? '', 5)
      const byId = new Map(spans.map((span) => [span.spanId, span]))
      const chain = spans
        .filter(({ kind }) => kind === 'server')
        .map(({ service, endpoint, parentSpanId }) => {
          const call = byId.get(parentSpanId ?? '')
          return [service, endpoint, byId.get(call?.parentSpanId ?? '')?.service]
        })
      expect(chain.sort()).toEqual([
        ['checkout', '/checkout', undefined],
        ['inventory', '/inventory', 'checkout'],
        ['payment', '/payment', 'checkout'],
      ])
    })

    it('survives kill -9 of everything with what it had acknowledged', async () => {
      const broker = await BrokerSide.open(readConfig(stack.environment))
      const points = new AcknowledgedPoints(broker)
      try {
        await points.progress(SOME_POINTS, PATIENCE_MS)
        await stack.killAll()
        await stack.start()
        await points.progress(SOME_POINTS, PATIENCE_MS)
        await points.finish()
        await points.expectAllOnceInKafka()
        await points.expectAllOnceInRollups()
        await points.expectAllOnceInClickhouse(readConfig(stack.environment))
      } finally {
        points.abort()
        await broker.close()
      }
    })

    it('stops cleanly when asked twice', async () => {
      const stopped = stack.stop('SIGINT')
      void stack.stop('SIGTERM')
      expect(await stopped).toBe(0)
      expect((await stack.status()).processes.every(({ pid }) => pid === null)).toBe(true)
    })
  },
)
