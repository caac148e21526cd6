/**
 * kill -9 of every part of the running product in turn, of its supervisor, and of all at once, under a producer that never stops:
 * it comes back without help, and nothing acknowledged is lost or doubled.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../services/shared/config.ts'
import { AcknowledgedPoints } from '../e2e/testing/acknowledged-points.ts'
import { BrokerSide } from '../e2e/testing/broker-side.ts'
import { ProductStack } from '../e2e/testing/product-stack.ts'
import { eventually } from '../test/eventually.ts'
import { withoutLocalServers } from '../test/stack.ts'

const PARTS = ['worker', 'sink', 'api', 'host', 'clickhouse', 'registry', 'kafka'] as const
/** Acknowledged between two kills, so that each hits a stream that runs. */
const POINTS_BETWEEN = 4_000
const RECOVERY_LIMIT_MS = 120_000

const reason = withoutLocalServers()

describe.skipIf(reason !== undefined)(
  `kill -9${reason === undefined ? '' : ` (${reason})`}`,
  () => {
    let stack: ProductStack
    let broker: BrokerSide
    let points: AcknowledgedPoints
    const recoveriesMs: Record<string, number> = {}

    beforeAll(async () => {
      stack = await ProductStack.create()
      await stack.start()
      broker = await BrokerSide.open(readConfig(stack.environment))
      points = new AcknowledgedPoints(broker)
    })

    afterAll(async () => {
      console.info('back after ms:', JSON.stringify(recoveriesMs))
      points.abort()
      // Its servers may be stopped already, with what a failed test has left unsent.
      await broker.close().catch(() => undefined)
      await stack.dispose()
    })

    it.each(PARTS)('of %s: it is started again', async (part) => {
      await points.progress(POINTS_BETWEEN, RECOVERY_LIMIT_MS)
      const startedMs = performance.now()
      const killed = await stack.kill([part])
      const status = await eventually(
        () => stack.status(),
        ({ ready, processes }) =>
          ready && processes.every(({ name, pid }) => name !== part || pid !== killed.get(part)),
        { timeoutMs: RECOVERY_LIMIT_MS },
      )
      recoveriesMs[part] = Math.round(performance.now() - startedMs)
      expect(status.ready).toBe(true)
      expect(status.processes.find(({ name }) => name === part)?.restarts).toBe(1)
    })

    it('of the supervisor: the next start takes over', async () => {
      await points.progress(POINTS_BETWEEN, RECOVERY_LIMIT_MS)
      await stack.kill(['up'])
      expect((await stack.status()).ready).toBe(false)
      const startedMs = performance.now()
      await stack.start()
      recoveriesMs['up'] = Math.round(performance.now() - startedMs)
      expect(stack.output).toContain('stopped what an earlier run had left')
    })

    it('of everything at once: the next start goes on', async () => {
      await points.progress(POINTS_BETWEEN, RECOVERY_LIMIT_MS)
      await stack.killAll()
      const startedMs = performance.now()
      await stack.start()
      recoveriesMs['all'] = Math.round(performance.now() - startedMs)
    })

    it('and nothing acknowledged is lost or doubled', async () => {
      await points.progress(POINTS_BETWEEN, RECOVERY_LIMIT_MS)
      await points.finish()
      await points.expectAllOnceInKafka()
      await points.expectAllOnceInRollups()
      await points.expectAllOnceInClickhouse(readConfig(stack.environment))
    })

    it('and a stop leaves no process', async () => {
      const { processes } = await stack.status()
      expect(await stack.stop('SIGINT')).toBe(0)
      const left = processes.filter(({ pid }) => {
        try {
          return pid !== null && process.kill(pid, 0)
        } catch {
          return false
        }
      })
      expect(left).toEqual([])
    })
  },
)
