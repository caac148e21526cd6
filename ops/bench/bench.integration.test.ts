/** The benchmark in small: what it says has the agreed shape, and a wrong answer does not count. */
import { expect, it, vi } from 'vitest'
import { stackEnvironment } from '../test/stack.ts'
import { openBenchStack } from './bench-stack.ts'
import { runBench } from './bench.ts'
import { checkAnswer } from './check.ts'
import { expectedOf } from './expected.ts'
import { buildPeer } from './peer.ts'
import { reportText } from './report-text.ts'
import { createApplication, createInput, fillInput, removeTopics } from './workload-topics.ts'
import { createWorkload } from './workload.ts'

const attached = { attach: true, env: stackEnvironment() }

const above = (least: number): unknown =>
  expect.toSatisfy((value: unknown) => typeof value === 'number' && value > least)

const throughput = {
  records_per_second: above(0),
  records_per_cpu_second: above(0),
  cpu_seconds: above(0),
  rss_bytes: above(10_000_000),
  commit_p50_ms: above(0),
  commit_p99_ms: above(0),
  last_commit_ms: above(0),
}

it(
  'measures, checks the answers, and says it in the agreed shape',
  { timeout: 180_000 },
  async () => {
    const said: string[] = []
    const report = await runBench({
      ...attached,
      withPeer: false,
      runs: 1,
      series: 100,
      partitions: 4,
      throughput: { records: 20_000 },
      latency: { rate: 2_000, warmUpSeconds: 1, seconds: 2 },
      memory: { series: 2_000, settleSeconds: 1 },
      scaling: undefined,
      progress: (text) => said.push(text),
    })
    expect(report).toMatchObject({
      declared: throughput,
      objects: throughput,
      latency: {
        p50_ms: above(0),
        p90_ms: above(0),
        p99_ms: above(0),
        max_ms: above(0),
        rate: 2_000,
      },
      memory: { series: 2_000, bytes_per_series: expect.any(Number) as number },
      // Two entries per key and commit at least, of the row and of its window.
      restore: { keys: 2_000, seconds: above(0), restored_records: above(4_000) },
      runs: 1,
      commit: expect.any(String) as string,
      machine: { cores: above(0), memory_bytes: above(0) },
    })
    expect(report.latency?.outputs).toBeGreaterThan(100)
    expect(report.ratios).toBeUndefined()
    expect(said.length).toBeGreaterThan(3)
    expect(reportText(report)).toContain('declared fields')
  },
)

it('refuses an answer that is not what the input implies', async () => {
  const stack = await openBenchStack(attached)
  const workload = createWorkload({ name: `${stack.prefix}-check`, decode: 'fields' })
  await createInput(stack, workload, 4)
  await fillInput(stack, workload, { records: 100, series: 10 })
  const { windows, deviations } = await createApplication(stack, workload, {
    id: `${stack.prefix}-run`,
    partitions: 4,
  })
  const topics = { windows: windows.name, deviations: deviations.name }
  await checkAnswer(stack, topics, { windows: 0, deviations: 0 })
  const expected = expectedOf({ records: 2_000, series: 10 })
  await expect(checkAnswer(stack, topics, expected)).rejects.toThrow('the input implies')
  await removeTopics(stack, `${stack.prefix}-run`)
  await removeTopics(stack, workload.input.name)
  await stack.stop()
})

it('says where it has looked for a program to compare with', async () => {
  vi.stubEnv('MILLRACE_PEER_DIR', '/nowhere/at/all')
  await expect(buildPeer({ folder: '/nowhere' })).rejects.toMatchObject({
    code: 'USAGE_INVALID',
    message: expect.stringContaining('/nowhere/at/all') as string,
  })
  vi.unstubAllEnvs()
})
