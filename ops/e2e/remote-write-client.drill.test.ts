/**
 * remote_write 2.0 as Prometheus' own client library sends it, which nobody here wrote: Debian's
 * Prometheus knows 1.0 only.
 */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { telemetryMetrics } from '../../schemas/topics.ts'
import { readConfig } from '../../services/shared/config.ts'
import { ProductProcess } from '../test/product-process.ts'
import { stackEnvironment, uniqueName } from '../test/stack.ts'
import { BrokerSide } from './testing/broker-side.ts'
import { metricsKey } from './testing/metrics-key.ts'
import { answerOf, runProgram } from './testing/program.ts'

const MODULE = 'github.com/prometheus/client_golang/exp'
const VERSION = 'v0.0.0-20250914183048-a974e0d45e0a'
const SENDER = fileURLToPath(new URL('testing/send-remote-write.go', import.meta.url))

const environment = stackEnvironment()
const tenant = uniqueName('foreign')
const folder = mkdtempSync(join(tmpdir(), 'millrace-remote-write-'))
const program = join(folder, 'send')
let broker: BrokerSide
let gateway: ProductProcess
let key: string
/** Why there is no sender. */
let missing: string | undefined

const build = async (): Promise<string | undefined> => {
  if (answerOf('go', ['version']) === undefined) return 'there is no go to build a sender'
  cpSync(SENDER, join(folder, 'main.go'))
  const module = `module millrace.test/send\n\ngo 1.23\n\nrequire ${MODULE} ${VERSION}\n`
  writeFileSync(join(folder, 'go.mod'), module)
  const { code, err } = await runProgram('go', ['-C', folder, 'build', '-mod=mod', '-o', program])
  return code === 0 ? undefined : `the sender could not be built: ${err.trim().slice(-500)}`
}

beforeAll(async () => {
  missing = await build()
  if (missing !== undefined) return
  broker = await BrokerSide.open(readConfig(environment))
  // Before the gateway starts, which learns of later ones a moment after they are made.
  key = await metricsKey(tenant, environment)
  gateway = await ProductProcess.start({ command: ['service', 'gateway'], environment })
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  if (missing !== undefined) return
  expect(await gateway.stop()).toBe(0)
  await broker.close()
})

it('is answered with what is written, and all of it is: values, units, kinds, a native histogram', async ({
  skip,
}) => {
  if (missing !== undefined) return skip(missing)
  const { out, err } = await runProgram(program, [gateway.url, key])
  expect([out.toString().trim(), err]).toEqual(['40 samples, 1 histograms', ''])
  const points = await broker.values(telemetryMetrics, tenant)
  const of = (name: string) => points.filter((point) => point.name === name)
  const values = Array.from({ length: 20 }, (_, index) => index)
  expect(of('orders').map(({ value }) => value)).toEqual(values)
  expect(of('age_seconds').map(({ value }) => value)).toEqual(values.map((value) => value / 2))
  expect(of('orders')[0]).toMatchObject({ kind: 'counter', labels: { job: 'foreign' } })
  expect(of('age_seconds')[0]).toMatchObject({ kind: 'gauge', unit: 's' })
  const buckets = of('latency_bucket').map(({ labels, value }) => [labels['le'], value])
  expect(Object.fromEntries(buckets)).toEqual({ '2': 1, '4': 3, '+Inf': 3 })
  expect([of('latency_count')[0]?.value, of('latency_sum')[0]?.value]).toEqual([3, 4.5])
})
