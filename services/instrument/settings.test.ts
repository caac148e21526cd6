import { describe, expect, it } from 'vitest'
import { settingsFrom } from './settings.ts'

it('has a default for everything', () => {
  expect(settingsFrom({})).toEqual({
    enabled: true,
    resource: { 'service.name': 'unknown_service:node' },
    tracesUrl: 'http://127.0.0.1:4318/v1/traces',
    logsUrl: 'http://127.0.0.1:4318/v1/logs',
    headers: {},
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
        tracesUrl: 'https://gateway.example/base/v1/traces',
        logsUrl: 'https://gateway.example/base/v1/logs',
      },
    },
    {
      title: 'where to send traces, as it stands',
      given: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://a/x' },
      is: { tracesUrl: 'http://a/x', logsUrl: 'http://127.0.0.1:4318/v1/logs' },
    },
    {
      title: 'headers',
      given: { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20k=, x-a=1' },
      is: { headers: { authorization: 'Bearer k=', 'x-a': '1' } },
    },
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
  })
})
