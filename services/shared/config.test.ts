import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from './config.ts'
import { exitCodeOf } from './errors.ts'

let folder: string
let passwordFile: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-config-'))
  passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, 'from-file\n')
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const sasl = { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'app' }

describe('defaults', () => {
  it('describe the local stack', () => {
    const config = readConfig({})
    expect(config.kafka.brokers).toEqual(['127.0.0.1:9092'])
    expect(config.kafka.tls).toBeUndefined()
    expect(config.kafka.sasl).toBeUndefined()
    expect(config.schemaRegistry).toEqual({
      url: 'http://127.0.0.1:8081/apis/ccompat/v7',
      login: undefined,
    })
    expect(config.clickhouse.url).toBe('http://127.0.0.1:8123')
    expect(config.clickhouse.database).toBe('millrace')
    expect(config.host).toBe('127.0.0.1')
    expect(config.partitions).toBe(4)
    expect(config.logLevel).toBe('info')
  })

  it('hold for variables that are set but empty', () => {
    expect(readConfig({ KAFKA_BROKERS: '', API_PORT: '' })).toEqual(readConfig({}))
  })

  it('are frozen to the last level', () => {
    const config = readConfig({})
    expect(Object.isFrozen(config)).toBe(true)
    expect(Object.isFrozen(config.kafka.brokers)).toBe(true)
  })
})

describe('values', () => {
  it('are parsed into their types', () => {
    const config = readConfig({
      KAFKA_BROKERS: 'a:9092,b.example:9093',
      KAFKA_SSL: 'true',
      API_PORT: '9000',
      METRICS_PORT: '9001',
      CLICKHOUSE_URL: 'https://ch.example:8443/',
      UNRELATED: 'ignored',
    })
    expect(config.kafka.brokers).toEqual(['a:9092', 'b.example:9093'])
    expect(config.kafka.tls).toEqual({ ca: undefined })
    expect(config.apiPort).toBe(9000)
    expect(config.metricsPort).toBe(9001)
    expect(config.clickhouse.url).toBe('https://ch.example:8443')
  })

  it.each([
    { title: 'by value', env: { KAFKA_SASL_PASSWORD: 'hunter2' }, is: 'hunter2' },
    {
      title: 'from a file, without its last newline',
      env: () => ({ KAFKA_SASL_PASSWORD_FILE: passwordFile }),
      is: 'from-file',
    },
    {
      title: 'by a reference to a file',
      env: () => ({ KAFKA_SASL_PASSWORD: `file:${passwordFile}` }),
      is: 'from-file',
    },
    {
      title: 'by a reference to a variable',
      env: { KAFKA_SASL_PASSWORD: 'env:OTHER', OTHER: 'hunter2' },
      is: 'hunter2',
    },
  ])('take a secret $title', async ({ env, is }) => {
    const config = readConfig({ ...sasl, ...(typeof env === 'function' ? env() : env) })
    expect((await config.kafka.sasl?.password.current())?.reveal()).toBe(is)
  })

  it.each([
    {
      title: 'that is not there',
      file: '/nowhere/at/all',
      says: /_FILE: \/nowhere.*cannot be read/,
    },
    { title: 'in a missing variable', env: 'env:NO_SUCH', says: /CLICKHOUSE_PASSWORD: .*NO_SUCH/ },
    { title: 'in a Vault that is not named', env: 'vault:a/b#c', says: /needs VAULT_ADDR/ },
  ])('with a secret $title are refused by whoever reads it', async ({ file, env, says }) => {
    const { secrets } = readConfig({ CLICKHOUSE_PASSWORD_FILE: file, CLICKHOUSE_PASSWORD: env })
    const failing = secrets.readAll()
    await expect(failing).rejects.toThrow(says)
    await expect(failing).rejects.toMatchObject({ code: 'SECRET_INVALID', exitCode: 2 })
  })

  it('never show a secret', async () => {
    const config = readConfig({ CLICKHOUSE_PASSWORD: 'hunter2' })
    await config.secrets.readAll()
    expect(JSON.stringify(config)).not.toContain('hunter2')
    expect(inspect(config, { depth: 9, showHidden: true })).not.toContain('hunter2')
    expect(JSON.stringify(config.clickhouse.password)).toBe('"env:CLICKHOUSE_PASSWORD"')
  })
})

describe('a wrong setting', () => {
  it.each([
    { title: 'a port that is no number', env: { API_PORT: 'x' }, says: /API_PORT is "x"/ },
    { title: 'a port out of range', env: { API_PORT: '65536' }, says: /API_PORT is "65536"/ },
    { title: 'port 0', env: { METRICS_PORT: '0' }, says: /METRICS_PORT is "0"/ },
    { title: 'a broker without port', env: { KAFKA_BROKERS: 'a' }, says: /KAFKA_BROKERS is "a"/ },
    { title: 'a boolean word', env: { KAFKA_SSL: 'yes' }, says: /KAFKA_SSL is "yes"/ },
    { title: 'an unknown level', env: { LOG_LEVEL: 'loud' }, says: /LOG_LEVEL.*: fatal, error/ },
    { title: 'no partitions', env: { MILLRACE_PARTITIONS: '0' }, says: /MILLRACE_PARTITIONS/ },
    { title: 'a URL without scheme', env: { CLICKHOUSE_URL: 'x:1' }, says: /CLICKHOUSE_URL.*http/ },
    {
      title: 'tenants with blanks',
      env: { TENANTS: 'a, b' },
      says: /TENANTS is "a, b" but must be n/,
    },
    {
      title: 'a webhook that is no URL',
      env: { WEBHOOK_URL: 'http://hunter2:x' },
      says: /WEBHOOK_URL is set but is no URL/,
    },
    {
      title: 'a webhook with a login in it',
      env: { WEBHOOK_URL: 'http://u:hunter2@receiver/' },
      says: /WEBHOOK_URL is set but carries a user name/,
    },
    {
      title: 'a key without a webhook',
      env: { WEBHOOK_SECRET: 'hunter2 and more of it' },
      says: /WEBHOOK_URL is not/,
    },
    {
      title: 'a database name that needs quoting',
      env: { CLICKHOUSE_DATABASE: 'a;b' },
      says: /CLICKHOUSE_DATABASE/,
    },
    {
      title: 'credentials inside a URL',
      env: { CLICKHOUSE_URL: 'http://u:hunter2@ch:8123' },
      says: /CLICKHOUSE_URL carries credentials/,
    },
    { title: 'half a SASL login', env: sasl, says: /SASL needs/ },
    {
      title: 'half a registry login',
      env: { SCHEMA_REGISTRY_USERNAME: 'u' },
      says: /SCHEMA_REGISTRY_PASSWORD/,
    },
    { title: 'a CA without TLS', env: { KAFKA_SSL_CA_FILE: '/ca' }, says: /KAFKA_SSL=true/ },
    {
      title: 'a secret both ways',
      env: { CLICKHOUSE_PASSWORD: 'hunter2', CLICKHOUSE_PASSWORD_FILE: '/x' },
      says: /Both CLICKHOUSE_PASSWORD and/,
    },
    {
      title: 'a foreign topic of an unknown format',
      env: { MILLRACE_INTAKE_TOPICS: 'otlp_metrics=otlp_proto' },
      says: /topic=format or topic=format@tenant/,
    },
    {
      title: 'a foreign topic named twice',
      env: { MILLRACE_INTAKE_TOPICS: 'a=otlp-logs,a=otlp-metrics' },
      says: /names a twice/,
    },
    {
      title: 'a short secret for signing',
      env: { WEBHOOK_URL: 'https://a/', WEBHOOK_SECRET: 'hunter2' },
      says: /WEBHOOK_SECRET is set but has fewer than 16 characters/,
    },
  ])('$title is refused with name, value and exit code 2', ({ env, says }) => {
    let caught: unknown
    try {
      readConfig(env)
    } catch (error) {
      caught = error
    }
    expect(caught).toMatchObject({ code: 'CONFIG_INVALID' })
    expect(exitCodeOf(caught)).toBe(2)
    expect(String(caught)).toMatch(says)
    expect(String(caught)).not.toContain('hunter2')
  })

  it('of foreign topics gives each its format and tenant', () => {
    const env = { MILLRACE_INTAKE_TOPICS: 'otlp_metrics=otlp-metrics,cd.events=cloudevents@shop' }
    expect(readConfig(env).foreignTopics).toEqual([
      { topic: 'otlp_metrics', format: 'otlp-metrics', tenant: 'default' },
      { topic: 'cd.events', format: 'cloudevents', tenant: 'shop' },
    ])
  })

  it('is reported together with the others', () => {
    expect(() => readConfig({ API_PORT: 'x', KAFKA_SSL: 'maybe' })).toThrow(
      /API_PORT.*KAFKA_SSL|KAFKA_SSL.*API_PORT/,
    )
  })
})
