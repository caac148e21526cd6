import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { stackEnvironment, uniqueName } from '../../ops/test/stack.ts'
import { createRecordDecoder, WIRE_HEADER_BYTES } from '../../pipelines/runtime/avro/index.ts'
import { readToEnd, type KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import type { Tick } from '../../schemas/generated/control-ticks.ts'
import type { MetricPoint } from '../../schemas/generated/telemetry-metrics.ts'
import type { Topic } from '../../schemas/topic.ts'
import { allTopics, controlTicks, telemetryMetrics } from '../../schemas/topics.ts'
import { readConfig } from '../shared/config.ts'
import { kafkaCluster } from '../shared/kafka.ts'
import { applyTopics } from '../topics/apply.ts'
import { topicServers } from '../topics/servers.ts'
import { wantedFromCatalogue } from '../topics/wanted-topic.ts'

const config = readConfig(stackEnvironment())
const tenants = [uniqueName('host'), uniqueName('other')]
const dataDir = mkdtempSync(join(tmpdir(), 'millrace-host-'))
let cluster: KafkaCluster

beforeAll(async () => {
  cluster = kafkaCluster(config)
  await applyTopics(
    wantedFromCatalogue(allTopics, config.partitions),
    topicServers(config, cluster),
  )
})
afterAll(async () => {
  await cluster.close()
  rmSync(dataDir, { recursive: true })
})

interface Stored<Value> {
  readonly value: Value
  readonly partition: number
  readonly appendedMs: number
}

/** Keys begin with the tenant. What others put into these topics need not even be readable. */
const isOurs = (key: Buffer | null): boolean =>
  tenants.includes(key?.toString().split('\u001f')[0] ?? '')

const stored = async <Value>(topic: Topic<Value>): Promise<Stored<Value>[]> => {
  const { decode } = createRecordDecoder<Value>({ writerSchema: topic.schema })
  const all: Stored<Value>[] = []
  for (let partition = 0; partition < config.partitions; partition++) {
    await readToEnd({
      cluster,
      topic: topic.name,
      partition,
      until: 'last-stable',
      onRecords: (records) => {
        while (records.next()) {
          if (!isOurs(records.key())) continue
          const { buffer, valueStart, valueEnd, timestampMs: appendedMs } = records
          const value = decode(buffer, valueStart + WIRE_HEADER_BYTES, valueEnd)
          all.push({ value, partition, appendedMs })
        }
      },
    })
  }
  return all
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const startHost = (metricsPort: number): ChildProcess =>
  spawn(
    process.execPath,
    [fileURLToPath(new URL('../cli/main.ts', import.meta.url)), 'service', 'host'],
    {
      env: {
        ...process.env,
        ...stackEnvironment(),
        TENANTS: tenants.join(','),
        METRICS_PORT: String(metricsPort),
        MILLRACE_DATA: dataDir,
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )

const waitFor = async (what: () => Promise<boolean>, deadlineMs = 40_000): Promise<void> => {
  const end = performance.now() + deadlineMs
  while (!(await what())) {
    if (performance.now() > end) throw new Error('waited in vain')
    await sleep(250)
  }
}

it('publishes the machine and behind it the ticks of every live tenant, and stops cleanly', async () => {
  const port = await freePort()
  const host = startHost(port)
  const exited = once(host, 'exit')
  try {
    await waitFor(async () => {
      const moments = new Set((await stored(controlTicks)).map(({ value }) => value.timestamp))
      return moments.size >= 2
    })
    expect((await fetch(`http://127.0.0.1:${String(port)}/readyz`)).status).toBe(200)
  } finally {
    host.kill('SIGTERM')
  }
  expect(await exited).toEqual([0, null])

  const points = await stored<MetricPoint>(telemetryMetrics)
  const ticks = await stored<Tick>(controlTicks)
  const names = new Set(points.map(({ value }) => value.name))
  expect([...names]).toEqual(
    expect.arrayContaining([
      'system.cpu.utilization',
      'system.cpu.load_average.1m',
      'system.memory.usage',
      'system.memory.utilization',
      'system.filesystem.utilization',
      'system.network.io.rate',
    ]),
  )
  for (const { value } of points) {
    expect(value.tenant).toBe(tenants[0])
    expect(value.labels['host']).toBe(hostname())
    expect(value.timestamp % 5_000).toBe(0)
    expect(Number.isFinite(value.value)).toBe(true)
  }
  for (const { value: tick, appendedMs } of ticks) {
    expect(tick.origin).toBe('live')
    const overtaken = points.filter(
      (point) => point.value.timestamp <= tick.timestamp && point.appendedMs > appendedMs,
    )
    expect(overtaken).toEqual([])
  }
  const placesOf = (tenant: string) =>
    ticks
      .filter(({ value }) => value.tenant === tenant)
      .map(({ value, partition }) => `${String(value.timestamp)}/${String(partition)}`)
      .sort()
  expect(placesOf(tenants[1] ?? '')).toEqual(placesOf(tenants[0] ?? ''))
  expect(placesOf(tenants[0] ?? '').length % config.partitions).toBe(0)
})
