/** `tail`, `encode` and `dlq` as users call them: processes, their output and exit codes. */
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stackEnvironment, uniqueName } from '../../../ops/test/stack.ts'
import {
  IdempotentProducer,
  KafkaAdmin,
  KafkaCluster,
} from '../../../pipelines/runtime/kafka/index.ts'
import { ORIGIN_HEADERS } from '../../../pipelines/runtime/task/side-record.ts'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))

interface Outcome {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

const millrace = async (
  args: readonly string[],
  { input = '', env = {} }: { readonly input?: string; readonly env?: Record<string, string> } = {},
): Promise<Outcome> => {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, ...stackEnvironment(), ...env },
  })
  child.stdin.on('error', () => undefined) // it may end before it has read everything
  child.stdin.end(input)
  const exited = new Promise<number | null>((resolve) => child.on('close', resolve))
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), exited])
  return { code, out, err }
}

const jsonLines = (out: string): unknown[] =>
  out
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown)

let cluster: KafkaCluster
let producer: IdempotentProducer
const tenant = uniqueName('tenant')
const points = [1, 2, 3].map((value) => ({
  timestamp: 1_760_000_000_000 + value,
  value,
  tenant,
  name: 'cpu',
  labels: { host: `h${value}` },
}))

beforeAll(async () => {
  const brokers = (stackEnvironment()['KAFKA_BROKERS'] ?? '').split(',')
  cluster = new KafkaCluster({ brokers, clientId: 'records-test' })
  producer = new IdempotentProducer({ cluster, name: 'records-test' })
  expect((await millrace(['topics', 'apply'])).code).toBe(0)
})
afterAll(async () => {
  await producer.close()
  await cluster.close()
})

describe('encode, then tail', () => {
  it('shows what was encoded, filtered, up to --max', async () => {
    const input = points.map((point) => JSON.stringify(point)).join('\n')
    const encoded = await millrace(['encode', 'telemetry.metrics', '--with-key'], { input })
    expect(encoded).toMatchObject({ code: 0, err: '' })
    for (const line of encoded.out.trimEnd().split('\n')) {
      const [key = '', value = ''] = line.split('\t')
      const record = { key: Buffer.from(key), value: Buffer.from(value, 'base64') }
      await producer.send({ topic: 'telemetry.metrics', ...record })
    }
    await producer.flush()
    // Others put records there, too, and not all of them can be read.
    const where = `has(value.tenant) && value.tenant == "${tenant}" && value.value >= 2.0`
    const options = ['--from', 'beginning', '--where', where]
    const tail = await millrace([
      'tail',
      'telemetry.metrics',
      ...options,
      '--max',
      '2',
      '--timeout',
      '30',
    ])
    expect(tail).toMatchObject({ code: 0, err: '' })
    const lines = jsonLines(tail.out) as { value: { value: number } }[]
    const byValue = lines.toSorted((a, b) => a.value.value - b.value.value)
    expect(byValue).toMatchObject(
      points.slice(1).map((point) => ({
        timestamp: point.timestamp,
        key: `${tenant}\u001fcpu\u001fhost=${point.labels.host}`,
        value: { ...point, unit: null },
      })),
    )
    const short = await millrace([
      'tail',
      'telemetry.metrics',
      ...options,
      '--max',
      '9',
      '--timeout',
      '2',
    ])
    expect(short.code).toBe(4)
    expect(jsonLines(short.out)).toHaveLength(2)
  })

  it.each([
    { title: 'an unknown topic to encode for', args: ['encode', 'no.such'], code: 2 },
    {
      title: 'a condition that is none',
      args: ['tail', 'telemetry.metrics', '--where', '1 +'],
      code: 2,
    },
    {
      title: 'a time that is none',
      args: ['tail', 'telemetry.metrics', '--from', 'then'],
      code: 2,
    },
    { title: 'a topic that is not there', args: ['tail', 'no.such'], code: 1 },
    { title: 'letters of a topic without', args: ['dlq', 'show', 'telemetry.metrics'], code: 2 },
    {
      title: 'a place that is none',
      args: ['dlq', 'redrive', '--topic', 'a.late', '--offset', 'x'],
      code: 2,
    },
  ])('$title: exit code $code, one line why', async ({ args, code }) => {
    const outcome = await millrace(args)
    expect(outcome.code).toBe(code)
    expect(outcome.out).toBe('')
    expect(outcome.err).toMatch(/^millrace: /)
  })

  it('says which line of the input is wrong', async () => {
    const outcome = await millrace(['encode', 'telemetry.metrics'], { input: '{"timestamp":1}\n' })
    expect(outcome.code).toBe(1)
    expect(outcome.err).toBe("millrace: line 1: field 'value' must be double, but is missing\n")
  })

  it.each([
    { args: ['encode', 'telemetry.metrics'], env: { SCHEMA_REGISTRY_URL: 'http://127.0.0.1:9' } },
    { args: ['tail', 'telemetry.metrics'], env: { KAFKA_BROKERS: '127.0.0.1:9' } },
  ])('$args cannot reach what it needs: exit code 3', async ({ args, env }) => {
    expect((await millrace(args, { env })).code).toBe(3)
  })
})

describe('dlq', () => {
  it('lists, shows and sends letters again', async () => {
    const origin = uniqueName('orders')
    const letters = `${origin}.dead-letter`
    const admin = new KafkaAdmin(cluster)
    await admin.createTopics(
      [origin, letters].map((topic) => ({
        topic,
        partitions: 1,
        replicationFactor: 1,
        configs: {},
      })),
    )
    const none = await millrace(['dlq', 'show', letters, '--json'])
    expect(none.code).toBe(0)
    expect(JSON.parse(none.out)).toMatchObject({ complete: true, letters: [] })

    const header = (key: string, value: string) => ({ key, value: Buffer.from(value) })
    await producer.send({
      topic: letters,
      partition: 0,
      key: Buffer.from('k'),
      value: Buffer.from('no Avro'),
      headers: [
        header(ORIGIN_HEADERS.reason, 'not-confluent-avro'),
        header(ORIGIN_HEADERS.detail, 'begins with 0x6e'),
        header(ORIGIN_HEADERS.topic, origin),
        header(ORIGIN_HEADERS.partition, '0'),
        header(ORIGIN_HEADERS.offset, '7'),
        header(ORIGIN_HEADERS.appendTimeMs, '5'),
      ],
    })

    const shown = await millrace(['dlq', 'show', letters, '--json'])
    expect(shown.code).toBe(0)
    expect(JSON.parse(shown.out)).toMatchObject({
      topic: letters,
      letters: [
        {
          reason: 'not-confluent-avro',
          origin: { topic: origin, partition: 0, offset: 7 },
          key: 'k',
          value: null,
          undecoded: { text: 'no Avro' },
          redriven: false,
        },
      ],
    })

    const redrive = ['dlq', 'redrive', '--topic', letters, '--json']
    const first = await millrace(redrive)
    expect(JSON.parse(first.out)).toMatchObject({ redriven: 1, alreadyRedriven: 0, skipped: [] })
    const second = await millrace(redrive)
    expect(JSON.parse(second.out)).toMatchObject({ redriven: 0, alreadyRedriven: 1 })
    const tail = await millrace([
      'tail',
      origin,
      '--from',
      'beginning',
      '--max',
      '2',
      '--timeout',
      '2',
    ])
    expect(jsonLines(tail.out)).toMatchObject([
      { key: 'k', value: Buffer.from('no Avro').toString('base64'), encoding: 'base64' },
    ])

    const list = await millrace(['dlq', 'list', '--json'])
    const { topics } = JSON.parse(list.out) as { topics: { topic: string }[] }
    expect(topics.find(({ topic }) => topic === letters)).toMatchObject({
      letters: 1,
      redriven: 1,
      complete: true,
      reasons: [{ reason: 'not-confluent-avro', letters: 1, redriven: 1 }],
    })
    expect((await millrace(['dlq', 'show', letters, '--reason', 'other'])).code).toBe(1)
  })
})
