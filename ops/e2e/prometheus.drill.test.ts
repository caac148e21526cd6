/**
 * Debian's Prometheus sends what it scrapes while Kafka is away, and while the gateway is killed:
 * nothing that is in its own storage is missing in the topic. A body is written twice only if the
 * gateway that took it was killed before it had answered.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../services/shared/config.ts'
import { startKillableKafka, type KillableKafka } from '../drills/killable-kafka.ts'
import { eventually } from '../test/eventually.ts'
import { stackEnvironment, uniqueName, withoutLocalServers } from '../test/stack.ts'
import { BrokerSide } from './testing/broker-side.ts'
import { metricsKey } from './testing/metrics-key.ts'
import { ProductProcess } from '../test/product-process.ts'
import { PrometheusProcess, withoutPrometheus } from './testing/prometheus.ts'
import { sentAndStored } from './testing/sent-and-stored.ts'

const skipped = withoutPrometheus() ?? withoutLocalServers()
const tenant = uniqueName('prometheus')
const PATIENCE = { timeoutMs: 180_000 }
/** Some 700 series, one scrape a second: half a minute. */
const SAMPLES_OF_A_WHILE = 20_000

describe.skipIf(skipped !== undefined)(
  `Debian's Prometheus${skipped ? ` (skipped: ${skipped})` : ''}`,
  () => {
    let kafka: KillableKafka
    let environment: Readonly<Record<string, string>>
    let broker: BrokerSide
    let gateway: ProductProcess
    let prometheus: PrometheusProcess
    let fromMs: number

    beforeAll(async () => {
      kafka = await startKillableKafka()
      environment = { ...stackEnvironment(), KAFKA_BROKERS: kafka.brokers.join(',') }
      broker = await BrokerSide.open(readConfig(environment))
      const apiKey = await metricsKey(tenant, environment)
      gateway = await ProductProcess.start({ command: ['service', 'gateway'], environment })
      prometheus = await PrometheusProcess.start({
        ...{ tenant, apiKey, writeTo: gateway.url },
        scrape: [`127.0.0.1:${String(gateway.port)}`],
      })
      fromMs = Date.now() + 1_000
    })
    afterAll(async () => {
      if (skipped !== undefined) return
      await prometheus.stop()
      await gateway.stop()
      await broker.close()
      await kafka.dispose()
    })

    /** Resolves when Prometheus has scraped and stored so many more samples. */
    const scraped = async (samples: number): Promise<void> => {
      const stored = () => prometheus.metric('prometheus_tsdb_head_samples_appended_total')
      const aim = (await stored()) + samples
      await eventually(stored, (count) => count >= aim, PATIENCE)
    }
    const accepted = () => gateway.metric('gateway_records_accepted_total')
    const acceptedMore = async (): Promise<void> => {
      const aim = (await accepted()) + SAMPLES_OF_A_WHILE / 10
      await eventually(accepted, (count) => count >= aim, PATIENCE)
    }
    const startAgain = async (): Promise<void> => {
      const { port } = gateway
      gateway = await ProductProcess.start({ command: ['service', 'gateway'], environment, port })
    }
    const compared = () => sentAndStored({ prometheus, broker, tenant, fromMs })

    it('waits while Kafka is away: nothing is lost, nothing is there twice', async () => {
      await acceptedMore()
      await kafka.server.kill()
      await scraped(SAMPLES_OF_A_WHILE)
      const retried = await prometheus.metric('prometheus_remote_storage_samples_retried_total')
      expect(retried).toBeGreaterThan(0)
      await kafka.server.start()
      await acceptedMore()

      const { sent, ...found } = await compared()
      expect(sent.size).toBeGreaterThan(SAMPLES_OF_A_WHILE)
      expect(found).toEqual({ missing: [], wrong: [], repeated: [] })
    })

    it('has sent all again that a killed gateway had not answered, and that alone', async () => {
      await gateway.kill()
      await startAgain()
      await acceptedMore()
      // So that bodies are certainly in hand.
      kafka.server.pause()
      await eventually(
        () => gateway.metric('gateway_pending_bytes'),
        (bytes) => bytes > 0,
        PATIENCE,
      )
      await gateway.kill()
      const killedMs = Date.now()
      kafka.server.resume()
      await startAgain()
      await acceptedMore()

      const { missing, wrong, repeated } = await compared()
      expect({ missing, wrong }).toEqual({ missing: [], wrong: [] })
      const scrapedMs = repeated.map(([sample]) => Number(sample.slice(sample.lastIndexOf(' '))))
      expect(scrapedMs.filter((ms) => ms > killedMs)).toEqual([])
      expect(repeated.filter(([, { count }]) => count > 2)).toEqual([])
    })

    it('stays healthy: nothing was refused for good', async () => {
      expect(await prometheus.metric('prometheus_remote_storage_samples_failed_total')).toBe(0)
      expect(await prometheus.metric('prometheus_remote_storage_samples_dropped_total')).toBe(0)
      expect(prometheus.output).not.toContain('non-recoverable')
    })
  },
)
