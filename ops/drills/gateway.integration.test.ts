/**
 * What the gateway has acknowledged is in Kafka: with a broker that stands still, and with a gateway
 * that is killed.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { residentBytes } from '../../infra/local/index.ts'
import { type KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import { allTopics, telemetryMetrics } from '../../schemas/topics.ts'
import { topicValues } from '../../services/gateway/testing/topic-values.ts'
import { readConfig } from '../../services/shared/config.ts'
import { kafkaCluster } from '../../services/shared/kafka.ts'
import { applyTopics } from '../../services/topics/apply.ts'
import { topicServers } from '../../services/topics/servers.ts'
import { wantedFromCatalogue } from '../../services/topics/wanted-topic.ts'
import { eventually } from '../test/eventually.ts'
import { ProductProcess } from '../test/product-process.ts'
import { stackEnvironment, uniqueName, withoutLocalServers } from '../test/stack.ts'
import { startLoad } from './gateway-load.ts'
import { startKillableKafka, type KillableKafka } from './killable-kafka.ts'

const skipped = withoutLocalServers()
const WAIT_SECONDS = 2
/** A retry says the same. */
const beginMs = Date.now()
const PENDING_BYTES = 4 * 1024 * 1024

describe.skipIf(skipped !== undefined)(
  `the gateway${skipped ? ` (skipped: ${skipped})` : ''}`,
  () => {
    let kafka: KillableKafka
    let env: Readonly<Record<string, string>>
    let cluster: KafkaCluster
    let gateway: ProductProcess

    const startGateway = (port?: number) =>
      ProductProcess.start({
        command: ['service', 'gateway'],
        environment: env,
        ...(port === undefined ? {} : { port }),
      })

    beforeAll(async () => {
      kafka = await startKillableKafka()
      env = {
        ...stackEnvironment(),
        KAFKA_BROKERS: kafka.brokers.join(','),
        GATEWAY_WAIT_SECONDS: String(WAIT_SECONDS),
        GATEWAY_PENDING_BYTES: String(PENDING_BYTES),
      }
      const config = readConfig(env)
      cluster = kafkaCluster(config)
      await applyTopics(
        wantedFromCatalogue(allTopics, config.partitions),
        topicServers(config, cluster),
      )
      gateway = await startGateway()
    })
    afterAll(async () => {
      kafka.server.resume()
      await gateway.kill()
      await cluster.close()
      await kafka.dispose()
    })

    const post = async (tenant: string, { name, id }: { name: string; id?: string }) => {
      const answer = await fetch(`${gateway.url}/ingest/metrics`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-tenant': tenant,
          ...(id === undefined ? {} : { 'idempotency-key': id }),
        },
        body: JSON.stringify({
          timestamp: beginMs,
          metric_name: name,
          value: 1,
          labels: { filler: 'x'.repeat(2_000) },
        }),
      })
      const { code } = (await answer.json()) as { code?: string }
      return { status: answer.status, code, retryAfter: answer.headers.get('retry-after') }
    }

    it('acknowledges nothing while the broker stands still, holds little, and keeps what it took', async () => {
      const tenant = uniqueName('still')
      await post(tenant, { name: 'before' })
      const before = residentBytes(gateway.pid) ?? 0
      kafka.server.pause()
      const late = await post(tenant, { name: 'late', id: 'late' })
      expect(late).toMatchObject({ status: 503, code: 'not-acknowledged' })
      const many = await Promise.all(
        Array.from({ length: 2_000 }, (_, index) =>
          post(tenant, { name: `point-${String(index)}` }),
        ),
      )
      expect(new Set(many.map(({ status }) => status))).toEqual(new Set([503]))
      expect(
        many.every(({ retryAfter }) => Number(retryAfter) >= 1 && Number(retryAfter) <= 30),
      ).toBe(true)
      const ready = await fetch(`${gateway.url}/readyz`)
      expect(await ready.json()).toMatchObject({
        reason: expect.stringContaining('not acknowledged') as unknown,
      })
      expect((residentBytes(gateway.pid) ?? 0) - before).toBeLessThan(
        PENDING_BYTES + 100 * 1024 * 1024,
      )

      kafka.server.resume()
      const retried = await eventually(
        () => post(tenant, { name: 'late', id: 'late' }),
        ({ status }) => status === 200,
      )
      expect(retried.status).toBe(200)
      const named = (await topicValues(cluster, telemetryMetrics, tenant)).map(({ name }) => name)
      expect(named.filter((name) => name === 'late')).toHaveLength(1)
    })

    it('killed under load, has lost nothing that it acknowledged', async () => {
      const tenant = uniqueName('killed')
      const load = startLoad({ url: () => gateway.url, tenant, senders: 16 })
      for (let kill = 0; kill < 2; kill++) {
        const aim = load.acknowledged.size + 500
        await eventually(
          () => load.acknowledged.size,
          (count) => count >= aim,
        )
        await gateway.kill()
        gateway = await startGateway(gateway.port)
      }
      await load.stop()
      const names = (await topicValues(cluster, telemetryMetrics, tenant)).map(({ name }) => name)
      const inKafka = new Set(names)
      expect(load.acknowledged.size).toBeGreaterThanOrEqual(1_000)
      expect([...load.acknowledged].filter((name) => !inKafka.has(name))).toEqual([])
      expect(load.answers.get(0)).toBeGreaterThan(0)
      // Each was sent once, so each is there once.
      expect(names).toHaveLength(inKafka.size)
    })
  },
)
