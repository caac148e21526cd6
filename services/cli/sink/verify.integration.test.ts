/** `millrace sink verify` as a process, against a real sink with a database of its own. */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { stackEnvironment, uniqueName } from '../../../ops/test/stack.ts'
import { migrate } from '../../../infra/clickhouse/index.ts'
import { clickhouseTarget, openClickHouse } from '../../shared/clickhouse.ts'
import { readConfig } from '../../shared/config.ts'
import { kafkaCluster } from '../../shared/kafka.ts'
import { registryConnection } from '../../shared/registry.ts'
import type { TopicVerdict } from '../../sink/verify.ts'
import { openTelemetryOutput } from '../../telemetry/telemetry-output.ts'

const environment = {
  ...stackEnvironment(),
  CLICKHOUSE_DATABASE: uniqueName('verify').replaceAll(/[^A-Za-z0-9]/g, '_'),
  METRICS_PORT: String(20_000 + (process.pid % 20_000)),
}
const config = readConfig(environment)
const main = fileURLToPath(new URL('../main.ts', import.meta.url))
const env = { ...process.env, ...environment }
let sink: ChildProcess | undefined

const run = (settings: NodeJS.ProcessEnv, ...args: readonly string[]) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [main, ...args], { env: settings }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
const millrace = (...args: readonly string[]) => run(env, ...args)

beforeAll(async () => {
  const applied = await millrace('topics', 'apply')
  expect(applied.code, applied.stderr).toBe(0)
  await migrate({ target: await clickhouseTarget(config) })
  const cluster = kafkaCluster(config)
  const registry = registryConnection(config.schemaRegistry)
  const name = uniqueName('verify')
  const output = await openTelemetryOutput({
    cluster,
    registry,
    name,
    deliveryTimeoutMs: 30_000,
  })
  const point = {
    timestamp: Date.now(),
    value: 1,
    tenant: name,
    name: 'x',
    labels: {},
    unit: null,
    kind: 'unspecified' as const,
  }
  await output.publisher.publish([output.records.ofPoint(point)])
  await output.publisher.close()
  await cluster.close()
})

afterAll(async () => {
  if (sink?.exitCode === null) {
    sink.kill('SIGTERM')
    await once(sink, 'exit')
  }
  const client = openClickHouse(config, { application: 'test', requestTimeoutMs: 30_000 })
  await client.command({ query: `DROP DATABASE IF EXISTS ${config.clickhouse.database}` })
  await client.close()
})

it('says what is missing, with exit code 1, and 0 once the sink has brought it', async () => {
  const verify = ['sink', 'verify', '--topic', 'telemetry.metrics'] as const
  const before = await millrace(...verify, '--wait', '0.1', '--json')
  expect(before.code, before.stderr).toBe(1)
  const verdict = JSON.parse(before.stdout) as { ok: boolean; topics: TopicVerdict[] }
  expect(verdict.ok).toBe(false)
  expect(verdict.topics.map(({ topic }) => topic)).toEqual(['telemetry.metrics'])
  const [partitions = []] = verdict.topics.map((each) => each.partitions)
  expect(partitions.reduce((sum, { missing }) => sum + missing, 0)).toBeGreaterThan(0)

  sink = spawn(process.execPath, [main, 'service', 'sink'], { env, stdio: 'ignore' })
  const after = await millrace(...verify, '--wait', '50')
  expect(after.stdout).toMatch(/^telemetry\.metrics: complete, each once \(/)
  expect(after.code).toBe(0)
})

it('refuses a topic that does not go to ClickHouse', async () => {
  const { code, stderr } = await millrace('sink', 'verify', '--topic', 'control.ticks')
  expect(stderr).toMatch(
    /^millrace: Topic 'control\.ticks' does not go to ClickHouse; those that do/,
  )
  expect(code).toBe(2)
})

it.each([
  {
    title: 'a wrong login',
    settings: { CLICKHOUSE_USERNAME: 'nobody' },
    code: 2,
    says: /^millrace: ClickHouse at \S+ refuses user 'nobody': .*\. Correct CLICKHOUSE_USERNAME and/,
  },
  {
    title: 'nobody at the address',
    settings: { CLICKHOUSE_URL: 'http://127.0.0.1:1' },
    code: 3,
    says: /^millrace: ClickHouse at http:\/\/127\.0\.0\.1:1 does not answer: .*CLICKHOUSE_URL/,
  },
])('tells $title from missing rows', async ({ settings, code, says }) => {
  const result = await run({ ...env, ...settings }, 'sink', 'verify', '--wait', '0.1')
  expect(result.stderr).toMatch(says)
  expect(result.code).toBe(code)
})
