import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { settingsFrom } from './settings.ts'

const otlp = {
  kind: 'otlp',
  tracesUrl: 'http://127.0.0.1:4318/v1/traces',
  logsUrl: 'http://127.0.0.1:4318/v1/logs',
  headers: {},
}
const kafka = {
  kind: 'kafka',
  brokers: ['127.0.0.1:9092'],
  clientId: 'millrace-instrument',
  topics: { traces: 'otlp_spans', logs: 'otlp_logs' },
  ssl: false,
  sasl: undefined,
}
const folder = mkdtempSync(join(tmpdir(), 'millrace-settings-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})
let files = 0
const fileWith = (text: string): string => {
  const path = join(folder, String((files += 1)))
  writeFileSync(path, text)
  return path
}
const toKafka = { MILLRACE_EXPORTER: 'kafka' }
const login = {
  KAFKA_SASL_MECHANISM: 'scram-sha-512',
  KAFKA_SASL_USERNAME: 'shop',
  KAFKA_SASL_PASSWORD: 'hunter2',
}

it('has a default for everything', () => {
  expect(settingsFrom({})).toEqual({
    enabled: true,
    resource: { 'service.name': 'unknown_service:node' },
    exporter: otlp,
    sampledShare: 1,
    traceHeader: 'x-trace-id',
    unfinishedAfterMs: 10_000,
    maxQueueItems: 4_096,
    delayMs: 1_000,
    problems: [],
  })
})

describe('is read from the environment', () => {
  it.each([
    { title: 'off', given: { OTEL_SDK_DISABLED: 'TRUE' }, is: { enabled: false } },
    {
      title: 'the name of the service, before all others',
      given: { OTEL_SERVICE_NAME: 'shop', OTEL_RESOURCE_ATTRIBUTES: 'service.name=other' },
      is: { resource: { 'service.name': 'shop' } },
    },
    {
      title: 'attributes, decoded',
      given: {
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=prod, team=a%2Cb,service.name=s',
      },
      is: { resource: { 'service.name': 's', 'deployment.environment.name': 'prod', team: 'a,b' } },
    },
    {
      title: 'the name of the npm package that runs',
      given: { npm_package_name: 'my-app' },
      is: { resource: { 'service.name': 'my-app' } },
    },
    {
      title: 'where to send',
      given: { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://gateway.example/base/' },
      is: {
        exporter: {
          ...otlp,
          tracesUrl: 'https://gateway.example/base/v1/traces',
          logsUrl: 'https://gateway.example/base/v1/logs',
        },
      },
    },
    {
      title: 'where to send traces, as it stands',
      given: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://a/x' },
      is: { exporter: { ...otlp, tracesUrl: 'http://a/x' } },
    },
    {
      title: 'headers',
      given: { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20k=, x-a=1' },
      is: { exporter: { ...otlp, headers: { authorization: 'Bearer k=', 'x-a': '1' } } },
    },
    { title: 'straight to Kafka', given: toKafka, is: { exporter: kafka } },
    {
      title: 'which Kafka, and where in it',
      given: {
        ...toKafka,
        KAFKA_BROKERS: 'a:1,b:2',
        KAFKA_CLIENT_ID: 'shop',
        KAFKA_SSL: 'true',
        MILLRACE_KAFKA_TOPIC: 'spans',
        MILLRACE_KAFKA_LOGS_TOPIC: 'lines',
      },
      is: {
        exporter: {
          ...kafka,
          brokers: ['a:1', 'b:2'],
          clientId: 'shop',
          ssl: true,
          topics: { traces: 'spans', logs: 'lines' },
        },
      },
    },
    {
      title: 'a login to Kafka',
      given: { ...toKafka, ...login },
      is: {
        exporter: {
          ...kafka,
          sasl: { mechanism: 'scram-sha-512', username: 'shop', password: 'hunter2' },
        },
      },
    },
    {
      title: 'a login and an authority in files',
      given: {
        ...toKafka,
        ...login,
        KAFKA_SASL_PASSWORD: '',
        KAFKA_SASL_PASSWORD_FILE: fileWith('hunter2\n'),
        KAFKA_SSL: 'true',
        KAFKA_SSL_CA_FILE: fileWith('PEM\n'),
      },
      is: {
        exporter: {
          ...kafka,
          ssl: { ca: 'PEM' },
          sasl: { mechanism: 'scram-sha-512', username: 'shop', password: 'hunter2' },
        },
      },
    },
    { title: 'Kafka only where it is wanted', given: { KAFKA_BROKERS: 'a:1' }, is: {} },
    {
      title: 'a share of traces',
      given: { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' },
      is: { sampledShare: 0.25 },
    },
    { title: 'no traces', given: { OTEL_TRACES_SAMPLER: 'always_off' }, is: { sampledShare: 0 } },
    {
      title: 'no header',
      given: { MILLRACE_TRACE_HEADER: 'none' },
      is: { traceHeader: undefined },
    },
    {
      title: 'another header',
      given: { MILLRACE_TRACE_HEADER: 'x-id' },
      is: { traceHeader: 'x-id' },
    },
    {
      title: 'patience',
      given: { MILLRACE_UNFINISHED_SECONDS: '0x2' },
      is: { unfinishedAfterMs: 2_000 },
    },
    { title: 'an empty variable as none', given: { OTEL_SERVICE_NAME: ' ' }, is: {} },
  ])('$title', ({ given, is }) => {
    expect(settingsFrom(given)).toEqual({ ...settingsFrom({}), ...is })
  })
})

describe('names what is wrong, and goes by the default', () => {
  it.each([
    {
      given: { OTEL_EXPORTER_OTLP_ENDPOINT: 'gateway:4318' },
      says: 'OTEL_EXPORTER_OTLP_ENDPOINT is no URL',
    },
    { given: { OTEL_TRACES_SAMPLER_ARG: '2' }, says: '"2" but must be a number from 0 to 1' },
    { given: { OTEL_TRACES_SAMPLER: 'sometimes' }, says: 'OTEL_TRACES_SAMPLER is none of' },
    { given: { MILLRACE_UNFINISHED_SECONDS: '0' }, says: 'from 1 to 86400' },
    { given: { OTEL_BSP_MAX_QUEUE_SIZE: 'many' }, says: 'from 1 to 100000' },
    { given: { OTEL_RESOURCE_ATTRIBUTES: 'a,=b,c=%ZZ' }, says: 'has 3 entries' },
    { given: { MILLRACE_EXPORTER: 'carrier-pigeon' }, says: 'neither otlp nor kafka' },
    {
      given: { ...toKafka, KAFKA_BROKERS: 'kafka' },
      says: 'no list of host:port',
      is: { exporter: kafka },
    },
    {
      given: { ...toKafka, MILLRACE_KAFKA_TOPIC: 'a b' },
      says: 'no name of a topic',
      is: { exporter: kafka },
    },
    {
      given: { ...toKafka, ...login, KAFKA_SASL_MECHANISM: 'gssapi' },
      says: 'belong together',
      is: { exporter: kafka },
    },
    {
      given: { ...toKafka, KAFKA_SSL: 'true', KAFKA_SSL_CA_FILE: '/nowhere/ca' },
      says: 'a file that cannot be read',
      is: { exporter: { ...kafka, ssl: true } },
    },
    {
      given: { MILLRACE_TRACE_HEADER: 'x trace' },
      says: 'no name of a header',
      is: { traceHeader: undefined },
    },
  ])('$given', ({ given, says, is }) => {
    const settings = settingsFrom(given)
    expect(settings.problems).toHaveLength(1)
    expect(settings.problems[0]).toContain(says)
    expect(settings).toEqual({ ...settingsFrom({}), ...is, problems: settings.problems })
  })

  it('without showing what may be secret', () => {
    const { problems } = settingsFrom({ OTEL_EXPORTER_OTLP_HEADERS: 'hunter2' })
    expect(problems.join()).not.toContain('hunter2')
    const incomplete = settingsFrom({ ...toKafka, ...login, KAFKA_SASL_USERNAME: '' })
    expect(incomplete.problems.join()).toContain('belong together')
    expect(incomplete.problems.join()).not.toContain('hunter2')
  })
})
