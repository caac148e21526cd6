/**
 * A Prometheus that nobody here wrote sends what it scrapes by remote_write, and all of it comes out:
 * in the topic and in ClickHouse, once, also when the gateway is replaced in between. The drill of
 * the same name stops Kafka, and kills the gateway.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openClickHouse } from '../../services/shared/clickhouse.ts'
import { readConfig } from '../../services/shared/config.ts'
import { eventually } from '../test/eventually.ts'
import { stackEnvironment, uniqueName } from '../test/stack.ts'
import { BrokerSide } from './testing/broker-side.ts'
import { metricsKey } from './testing/metrics-key.ts'
import { ProductProcess } from '../test/product-process.ts'
import { PrometheusProcess, withoutPrometheus } from './testing/prometheus.ts'
import { sentAndStored } from './testing/sent-and-stored.ts'

const skipped = withoutPrometheus()

const environment = {
  ...stackEnvironment(),
  CLICKHOUSE_DATABASE: uniqueName('prometheus').replaceAll('-', '_'),
}
const config = readConfig(environment)
const tenant = uniqueName('prometheus')
const PATIENCE_MS = 180_000
/** Scrapes of some 700 series, one a second. */
const SOME_SAMPLES = 3_000

describe.skipIf(skipped !== undefined)(
  `Debian's Prometheus${skipped ? ` (skipped: ${skipped})` : ''}`,
  { timeout: PATIENCE_MS },
  () => {
    let broker: BrokerSide
    let gateway: ProductProcess
    let sink: ProductProcess
    let prometheus: PrometheusProcess
    let fromMs: number

    beforeAll(async () => {
      broker = await BrokerSide.open(config)
      const apiKey = await metricsKey(tenant, environment)
      gateway = await ProductProcess.start({ command: ['service', 'gateway'], environment })
      sink = await ProductProcess.start({ command: ['service', 'sink'], environment })
      prometheus = await PrometheusProcess.start({
        ...{ tenant, apiKey, writeTo: gateway.url },
        scrape: [`127.0.0.1:${String(gateway.port)}`],
      })
      fromMs = Date.now() + 1_000
    }, PATIENCE_MS)
    afterAll(async () => {
      await prometheus.stop()
      expect([await gateway.stop(), await sink.stop()]).toEqual([0, 0])
      await broker.close()
    }, PATIENCE_MS)

    const accepted = () =>
      gateway.metric('gateway_records_accepted_total', { door: 'remote-write' })

    it('loses nothing, and writes nothing twice, while the gateway is replaced', async () => {
      await eventually(accepted, (count) => count > SOME_SAMPLES, { timeoutMs: PATIENCE_MS })
      const { port } = gateway
      expect(await gateway.stop()).toBe(0)
      gateway = await ProductProcess.start({ command: ['service', 'gateway'], environment, port })
      await eventually(accepted, (count) => count > SOME_SAMPLES, { timeoutMs: PATIENCE_MS })

      const { sent, ...found } = await sentAndStored({ prometheus, broker, tenant, fromMs })
      expect(sent.size).toBeGreaterThan(2 * SOME_SAMPLES)
      expect(found).toEqual({ missing: [], wrong: [], repeated: [] })
    })

    it('stays healthy: nothing of it was refused for good', async () => {
      expect(await prometheus.metric('prometheus_remote_storage_samples_failed_total')).toBe(0)
      expect(await prometheus.metric('prometheus_remote_storage_samples_dropped_total')).toBe(0)
      expect(await gateway.metric('gateway_records_refused_total', { reason: 'invalid' })).toBe(0)
      expect(prometheus.output).not.toContain('non-recoverable')
    })

    it('comes to ClickHouse: name, labels, value', async () => {
      const client = openClickHouse(config, { application: 'e2e', requestTimeoutMs: 30_000 })
      try {
        const query = `SELECT name, labels['job'] AS job, labels['instance'] AS instance, max(value) AS value
        FROM metrics WHERE tenant = {tenant:String} AND name = 'up' GROUP BY ALL ORDER BY instance`
        const rows = await eventually(
          async () => {
            const answer = await client.query({
              query,
              query_params: { tenant },
              format: 'JSONEachRow',
            })
            return answer.json<{ instance: string }>()
          },
          (found) => found.length >= 2,
          { timeoutMs: 60_000, intervalMs: 500 },
        )
        expect(rows).toHaveLength(2)
        expect(rows).toContainEqual({
          name: 'up',
          job: 'e2e',
          instance: `127.0.0.1:${String(gateway.port)}`,
          value: 1,
        })
      } finally {
        await client.close()
      }
    })
  },
)
