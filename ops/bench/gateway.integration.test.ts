import { expect, it } from 'vitest'
import { stackEnvironment } from '../test/stack.ts'
import { GATEWAY_CASES } from './gateway-case-names.ts'
import { gatewayText } from './gateway-text.ts'
import { runGatewayBench } from './gateway.ts'

const above = (least: number): unknown =>
  expect.toSatisfy((value: unknown) => typeof value === 'number' && value > least)

it(
  'sends by every protocol, finds all that was acknowledged, and says it in the agreed shape',
  { timeout: 180_000 },
  async () => {
    const said: string[] = []
    const report = await runGatewayBench({
      ...{ attach: true, env: stackEnvironment(), runs: 1, points: 5_000, partitions: 4 },
      progress: (text) => said.push(text),
    })
    expect(report.cases.map(({ name }) => name)).toEqual(GATEWAY_CASES)
    for (const each of report.cases) {
      expect(each).toMatchObject({
        per_second: above(0),
        p50_ms: above(0),
        p95_ms: above(each.p50_ms - 1e-9),
        p99_ms: above(each.p95_ms - 1e-9),
        cpu_seconds_per_million: above(0),
        sender_cpu_seconds_per_million: above(0),
        gateway_rss_bytes: above(10_000_000),
      })
    }
    expect(report).toMatchObject({ runs: 1, machine: { cores: above(0) } })
    expect(said).toHaveLength(GATEWAY_CASES.length)
    expect(gatewayText(report)).toContain('remote-write-1.0')
  },
)
