/**
 * The npm package straight to Kafka, with the kafkajs of the project that it is installed in: what a plain program
 * serves, calls and logs comes by the intake pipeline to telemetry.spans and telemetry.logs; and without Kafka,
 * or without kafkajs, the program is the same.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KafkaAdmin } from '../../pipelines/runtime/kafka/index.ts'
import { telemetryLogs, telemetrySpans } from '../../schemas/topics.ts'
import { readConfig } from '../../services/shared/config.ts'
import { BrokerSide } from '../e2e/testing/broker-side.ts'
import { ProductProcess } from '../test/product-process.ts'
import { TcpProxy } from '../e2e/testing/tcp-proxy.ts'
import { eventually } from '../test/eventually.ts'
import { stackEnvironment, uniqueName } from '../test/stack.ts'
import {
  installedProject,
  launch,
  launchServer,
  removeProject,
  traceOf,
} from './testing/installed-package.ts'

/** `/relay` calls `/orders/7` of the same server. */
const programs = {
  'app.mjs': `
    import { createServer } from 'node:http'
    const server = createServer(async (request, response) => {
      const { port } = server.address()
      if (request.url === '/relay') await (await fetch('http://127.0.0.1:' + port + '/orders/7')).text()
      if (request.url === '/crash') throw new TypeError('no good')
      if (request.url === '/exit') response.once('close', () => setImmediate(() => process.exit(7)))
      response.end()
    }).listen(0, '127.0.0.1', () => console.log(server.address().port))`,
  'in-code.mjs': `
    import { createServer } from 'node:http'
    import { instrument, logStream, spanCounts } from 'millrace/instrument'
    const [broker, topic, logsTopic] = process.argv.slice(2)
    const server = createServer((request, response) => {
      if (request.url === '/counts') return response.end(JSON.stringify(spanCounts()))
      const stack = 'x'.repeat(16000)
      for (let n = Number(request.url.slice(1)); n > 0; n -= 1) {
        logStream().write(JSON.stringify({ level: 50, msg: 'line ' + n, stack }))
      }
      response.end()
    })
    const exporter = { kind: 'kafka', brokers: [broker], topic, logsTopic }
    instrument(server, { service: 'in-code', exporter })
    server.listen(0, '127.0.0.1', () => console.log(server.address().port))`,
  'script.mjs': `await (await fetch(process.argv[2])).text()`,
  // Its second call is made when the first has arrived, so that Kafka is known.
  'two-calls.mjs': `
    import { setTimeout as sleep } from 'node:timers/promises'
    import { spanCounts } from 'millrace/instrument'
    await (await fetch(process.argv[2] + '/first')).text()
    while (spanCounts().sent === 0) await sleep(20)
    await (await fetch(process.argv[2])).text()`,
}

const tenant = uniqueName('direct')
const topics = { spans: uniqueName('otlp_spans'), logs: uniqueName('otlp_logs') }
const config = readConfig(stackEnvironment())
const [address = ''] = config.kafka.brokers
let broker: BrokerSide
let worker: ProductProcess
let folder: string

beforeAll(async () => {
  broker = await BrokerSide.open(config)
  await new KafkaAdmin(broker.cluster).createTopics(
    Object.values(topics).map((topic) => ({ topic, partitions: 3, configs: {} })),
  )
  const intake = [`${topics.spans}=otlp-traces@${tenant}`, `${topics.logs}=otlp-logs@${tenant}`]
  worker = await ProductProcess.start({
    command: ['worker', '--only', 'intake'],
    environment: { ...stackEnvironment(), MILLRACE_INTAKE_TOPICS: intake.join() },
  })
  folder = await installedProject({ packages: ['kafkajs'], files: programs })
})
afterAll(async () => {
  await removeProject(folder)
  expect(await worker.stop()).toBe(0)
  await broker.close()
})

const surroundings = (environment: Readonly<Record<string, string>> = {}) => ({
  folder,
  environment: {
    MILLRACE_EXPORTER: 'kafka',
    KAFKA_BROKERS: address,
    MILLRACE_KAFKA_TOPIC: topics.spans,
    MILLRACE_KAFKA_LOGS_TOPIC: topics.logs,
    OTEL_SERVICE_NAME: 'direct',
    ...environment,
  },
})

const spansOf = (traceId: string, count: number) =>
  eventually(
    async () =>
      (await broker.values(telemetrySpans, tenant)).filter((span) => span.traceId === traceId),
    ({ length }) => length >= count,
  )

describe('straight to Kafka', () => {
  it('a request, the call it makes and what that serves are one trace, each below its caller', async () => {
    const { child, ended, url, errors } = await launchServer('app.mjs', surroundings())
    const traceId = traceOf(await fetch(`${url}/relay`))
    const spans = await spansOf(traceId, 3)
    expect(spans).toHaveLength(3)
    const relay = spans.find(({ parentSpanId }) => parentSpanId === null)
    const call = spans.find(({ kind }) => kind === 'client')
    const order = spans.find(({ kind, parentSpanId }) => kind === 'server' && parentSpanId !== null)
    expect(relay).toMatchObject({ service: 'direct', endpoint: '/relay', statusCode: 200 })
    expect(call).toMatchObject({ parentSpanId: relay?.spanId, endpoint: '/orders/{id}' })
    expect(order).toMatchObject({ parentSpanId: call?.spanId, endpoint: '/orders/{id}' })
    child.kill('SIGTERM')
    expect(await ended).toEqual([null, 'SIGTERM'])
    expect(await errors).toBe('')
  })

  it.each([
    { how: 'crash', code: 1 },
    { how: 'exit', code: 7 },
  ])('what waited arrives though the process ended: $how', async ({ how, code }) => {
    const held = surroundings({ OTEL_BSP_SCHEDULE_DELAY: '60000' })
    const { ended, url } = await launchServer('app.mjs', held)
    const firsts: string[] = []
    for (let n = 0; n < 256; n += 1) firsts.push(traceOf(await fetch(`${url}/orders/1`)))
    // A whole batch does not wait, and has arrived.
    await spansOf(firsts[0] ?? '', 1)
    const traceId = traceOf(await fetch(`${url}/orders/1`))
    await fetch(`${url}/${how}`).catch(() => undefined)
    expect(await ended).toEqual([code, null])
    expect(await spansOf(traceId, 1)).toHaveLength(1)
  })

  it('a program that is done ends, and what it called arrives', async () => {
    const app = await launchServer('app.mjs', surroundings())
    const path = `/done/${String(Date.now())}`
    const script = launch('two-calls.mjs', { ...surroundings(), arguments: [app.url + path] })
    expect(await script.ended).toEqual([0, null])
    app.child.kill('SIGTERM')
    await app.ended
    const called = await eventually(
      async () =>
        (await broker.values(telemetrySpans, tenant)).filter(
          ({ attributes }) => attributes['url.path'] === path,
        ),
      ({ length }) => length >= 2,
    )
    expect(called.map(({ kind }) => kind).sort()).toEqual(['client', 'server'])
  })

  it('named in code; lines go along, and no record is larger than Kafka takes', async () => {
    const lines = 256
    const to = [address, topics.spans, topics.logs]
    const given = { folder, arguments: to, preload: false, environment: {} }
    const { child, ended, url } = await launchServer('in-code.mjs', given)
    const traceId = traceOf(await fetch(`${url}/${String(lines)}`))
    expect(await spansOf(traceId, 1)).toMatchObject([{ service: 'in-code' }])
    const found = await eventually(
      () => broker.values(telemetryLogs, tenant),
      ({ length }) => length >= lines,
    )
    expect(new Set(found.map(({ message }) => message)).size).toBe(lines)
    expect(found).toHaveLength(lines)
    child.kill('SIGTERM')
    await ended
  })
})

const brokerAway = async (): Promise<TcpProxy> => {
  const [host = '', port = ''] = address.split(':')
  const proxy = await TcpProxy.open({ host, port: Number(port) })
  await proxy.cut()
  return proxy
}
const addressOf = ({ port }: TcpProxy): string => `127.0.0.1:${String(port)}`

describe('without Kafka', () => {
  it('requests are served as ever, what finds no room is counted, and the end comes in time', async () => {
    const given = surroundings({
      KAFKA_BROKERS: addressOf(await brokerAway()),
      OTEL_BSP_MAX_QUEUE_SIZE: '100',
      OTEL_BSP_SCHEDULE_DELAY: '20',
    })
    const { child, ended, url, errors } = await launchServer('app.mjs', given)
    for (let n = 0; n < 500; n += 1) expect((await fetch(`${url}/orders/1`)).status).toBe(200)
    const startedMs = performance.now()
    child.kill('SIGTERM')
    expect(await ended).toEqual([null, 'SIGTERM'])
    expect(performance.now() - startedMs).toBeLessThan(10_000)
    expect(await errors).toMatch(/its queue is full; it drops .*The application is not affected/)
  })

  it('a program that is done ends', async () => {
    const app = await launchServer('app.mjs', surroundings())
    const nobody = { KAFKA_BROKERS: addressOf(await brokerAway()) }
    const script = launch('script.mjs', { ...surroundings(nobody), arguments: [app.url] })
    expect(await script.ended).toEqual([0, null])
    app.child.kill('SIGTERM')
    await app.ended
  })

  it('when it is there again, what waited arrives', async () => {
    const proxy = await brokerAway()
    const given = surroundings({ KAFKA_BROKERS: addressOf(proxy) })
    const { child, ended, url } = await launchServer('app.mjs', given)
    const traceId = traceOf(await fetch(`${url}/orders/1`))
    await proxy.mend()
    expect(await spansOf(traceId, 1)).toHaveLength(1)
    child.kill('SIGTERM')
    await ended
    await proxy.cut()
  })

  it('without kafkajs it says what to install, once, and the program runs', async () => {
    const bare = await installedProject({ packages: [], files: programs })
    const { child, ended, url, errors } = await launchServer('app.mjs', {
      ...surroundings({ OTEL_BSP_SCHEDULE_DELAY: '20' }),
      folder: bare,
    })
    expect((await fetch(`${url}/orders/1`)).status).toBe(200)
    child.kill('SIGTERM')
    expect(await ended).toEqual([null, 'SIGTERM'])
    expect((await errors).match(/npm install kafkajs@2/g)).toHaveLength(1)
    await removeProject(bare)
  })
})
