/** Logs, spans, deployments and costs: from files by the command to the topics. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stackEnvironment, uniqueName } from '../../ops/test/stack.ts'
import type { KafkaCluster } from '../../pipelines/runtime/kafka/index.ts'
import { decimalText } from '../../schemas/decimal.ts'
import type { Tick } from '../../schemas/generated/control-ticks.ts'
import type { CostRecord } from '../../schemas/generated/telemetry-costs.ts'
import type { DeploymentEvent } from '../../schemas/generated/telemetry-deployments.ts'
import type { LogEntry } from '../../schemas/generated/telemetry-logs.ts'
import type { Span } from '../../schemas/generated/telemetry-spans.ts'
import {
  allTopics,
  controlTicks,
  telemetryCosts,
  telemetryDeployments,
  telemetryLogs,
  telemetrySpans,
} from '../../schemas/topics.ts'
import { readConfig } from '../shared/config.ts'
import { kafkaCluster } from '../shared/kafka.ts'
import { applyTopics } from '../topics/apply.ts'
import { topicServers } from '../topics/servers.ts'
import { wantedFromCatalogue } from '../topics/wanted-topic.ts'
import { millrace, stored } from './testing/replayed.ts'

const config = readConfig(stackEnvironment())
const folder = mkdtempSync(join(tmpdir(), 'millrace-replay-signals-'))
let cluster: KafkaCluster

beforeAll(async () => {
  cluster = kafkaCluster(config)
  const wanted = wantedFromCatalogue(allTopics, config.partitions)
  const { refusals } = await applyTopics(wanted, topicServers(config, cluster))
  expect(refusals).toEqual([])
})
afterAll(async () => {
  await cluster.close()
  rmSync(folder, { recursive: true })
})

const write = (name: string, content: string | Buffer): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const replay = async (signal: string, ...args: readonly string[]) => {
  const name = uniqueName(signal)
  const answer = await millrace('replay', signal, ...args, '--name', name, '--json')
  expect(answer).toMatchObject({ code: 0, stderr: '' })
  return { tenant: `replay-${name}`, result: JSON.parse(answer.stdout) as unknown }
}

describe('millrace replay', () => {
  it('logs: files of several kinds become one stream in event time, with ticks', async () => {
    const text = write(
      'a.log',
      'intro\n2020-01-01 00:00:00 INFO one\n  two\n2020-01-01 00:01:00 x\n',
    )
    const json = gzipSync('{"time":"2020-01-01T00:00:30Z","msg":"b","service":"pay"}\n')
    const packed = write('b.jsonl.gz', json)
    const { tenant, result } = await replay('logs', text, packed)
    expect(result).toMatchObject({
      read: 4,
      published: 3,
      skippedCount: 1,
      skipped: [{ file: 'a.log', line: 1, reason: 'has no time, nor has a line before it' }],
      tenant,
      firstTimestamp: '2020-01-01T00:00:00.000Z',
      lastTimestamp: '2020-01-01T00:01:00.000Z',
    })
    const entries = await stored<LogEntry>(cluster, telemetryLogs, tenant)
    const inTime = entries
      .map(({ value }) => value)
      .sort((one, other) => one.timestamp - other.timestamp)
    expect(inTime).toMatchObject([
      { service: 'a', level: 'info', message: 'INFO one\n  two' },
      { service: 'pay', message: 'b' },
      { service: 'a', message: 'x' },
    ])
    const ticks = await stored<Tick>(cluster, controlTicks, tenant)
    expect(Math.max(...ticks.map(({ value }) => value.timestamp))).toBe(Date.UTC(2020, 0, 1, 0, 11))
  })

  it('spans: OTLP and a span a line', async () => {
    const ids = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }
    const times = {
      startTimeUnixNano: '1577836800000001000',
      endTimeUnixNano: '1577836800000003000',
    }
    const otlp = { resourceSpans: [{ scopeSpans: [{ spans: [{ ...ids, ...times, name: 'a' }] }] }] }
    const own = { ...ids, spanId: 'c7ad6b7169203331', name: 'b', start: 1_577_836_800_000_002 }
    const path = write('spans.jsonl', `${JSON.stringify(otlp)}\n${JSON.stringify(own)}\n`)
    const { tenant } = await replay('spans', path)
    const spans = await stored<Span>(cluster, telemetrySpans, tenant)
    expect(spans.map(({ value }) => [value.name, value.start, value.durationUs])).toEqual([
      ['a', 1_577_836_800_000_001, 2],
      ['b', 1_577_836_800_000_002, null],
    ])
  })

  it('deployments: the same again has the same id, and comes too late', async () => {
    const path = write('d.csv', 'time,service,version,status\n2020-01-01,pay,v1,success\n')
    const { tenant } = await replay('deployments', path)
    const [event, ...others] = await stored<DeploymentEvent>(cluster, telemetryDeployments, tenant)
    expect(others).toEqual([])
    expect(event?.value).toMatchObject({ service: 'pay', version: 'v1', status: 'succeeded' })
    const again = await millrace('replay', 'deployments', path, '--tenant', tenant)
    expect(again).toMatchObject({ code: 1 })
    expect(again.stderr).toMatch(/has already reached 2020-01-01T00:10:00/)
  })

  it('costs: to the last digit, as of the time that is given', async () => {
    const header =
      'BilledCost,EffectiveCost,BillingAccountId,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ServiceName,ProviderName'
    const period = '2020-01-01,2020-02-01,2020-01-05,2020-01-06'
    const rows = ['0.1', '12345678901234567890.000000000001', '1e3', 'many'].map(
      (cost) => `${cost},${cost},4711,USD,${period},Usage,EC2,AWS`,
    )
    const path = write('bill.csv', [header, ...rows].join('\n'))
    const asOf = ['--as-of', '2020-01-20T00:00:00Z', '--export', 'acme']
    const { tenant, result } = await replay('costs', path, ...asOf)
    expect(result).toMatchObject({ read: 4, published: 3, skippedCount: 1 })
    const costs = await stored<CostRecord>(cluster, telemetryCosts, tenant)
    expect(costs.map(({ value }) => decimalText(value.billedCost))).toEqual([
      '0.1',
      '12345678901234567890.000000000001',
      '1000',
    ])
    expect(costs[0]?.value).toMatchObject({
      export: 'acme',
      asOf: Date.UTC(2020, 0, 20),
      status: 'estimated',
    })
    const shown = await millrace(
      ...['tail', 'telemetry.costs', '--from', 'beginning', '--max', '1', '--timeout', '20'],
      ...['--where', `value.tenant == "${tenant}" && double(value.billedCost) > 1000.0`],
    )
    expect(JSON.parse(shown.stdout)).toMatchObject({
      value: { billedCost: '12345678901234567890.000000000001', listCost: null },
    })
  })

  it.each([
    { title: 'a year that is none', args: ['logs', '--year', 'x', 'a.log'], code: 2 },
    { title: 'a time that is none', args: ['costs', '--as-of', 'x', 'a.csv'], code: 2 },
    { title: 'no such file', args: ['spans', 'none'], code: 2 },
  ])('answers $title with exit code $code', async ({ args, code }) => {
    expect(await millrace('replay', ...args)).toMatchObject({ code, stdout: '' })
  })
})
