import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { clickhousePackage } from './artifacts.ts'
import { renderClickhouseConfig, renderClickhouseUsers } from './clickhouse-config.ts'
import { javaMajor } from './java.ts'
import { renderKafkaProperties } from './kafka.ts'
import { boundLog, lastLines } from './log-file.ts'
import { backoffMs } from './managed-process.ts'

const propertiesOf = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text
      .trimEnd()
      .split('\n')
      .map((line) => {
        const at = line.indexOf('=')
        return [line.slice(0, at), line.slice(at + 1)]
      }),
  )

describe('Kafka', () => {
  const settings = propertiesOf(
    renderKafkaProperties({ dataDir: '/data/k', ports: { kafka: 1001, kafkaController: 1002 } }),
  )
  it.each([
    { key: 'log.message.timestamp.type', value: 'LogAppendTime' },
    { key: 'auto.create.topics.enable', value: 'false' },
    { key: 'advertised.listeners', value: 'PLAINTEXT://127.0.0.1:1001' },
    { key: 'listeners', value: 'PLAINTEXT://127.0.0.1:1001,CONTROLLER://127.0.0.1:1002' },
    { key: 'controller.quorum.voters', value: '1@127.0.0.1:1002' },
    { key: 'log.dirs', value: '/data/k/data' },
    { key: 'message.max.bytes', value: '1048576' },
    { key: 'transaction.state.log.min.isr', value: '1' },
  ])('$key = $value', ({ key, value }) => {
    expect(settings.get(key)).toBe(value)
  })
})

describe('ClickHouse', () => {
  it('escapes what comes from outside', () => {
    const input = { dataDir: '/a&b/<c>', usersFile: '/u.xml', memoryBytes: 5 }
    const config = renderClickhouseConfig(input)
    expect(config).toContain('<path>/a&amp;b/&lt;c&gt;/</path>')
    expect(config).not.toContain('<logger') // the engine refuses them
  })

  it('never writes the password itself', () => {
    const users = renderClickhouseUsers('open sesame')
    expect(users).not.toContain('open sesame')
    expect(users).toContain('<password_sha256_hex>')
  })

  it.each([
    { platform: 'linux', arch: 'x64', name: '@chdb/lib-linux-x64-gnu' },
    { platform: 'linux', arch: 'arm64', name: '@chdb/lib-linux-arm64-gnu' },
    { platform: 'darwin', arch: 'arm64', name: '@chdb/lib-darwin-arm64' },
  ])('comes as $name', ({ platform, arch, name }) => {
    expect(clickhousePackage(platform, arch)).toBe(name)
  })
})

it.each([
  { text: 'openjdk version "17.0.15" 2025-04-15', major: 17 },
  { text: 'java version "1.8.0_402"', major: 8 },
  { text: 'openjdk version "21" 2023-09-19', major: 21 },
  { text: 'command not found', major: undefined },
])('reads the version in $text', ({ text, major }) => {
  expect(javaMajor(text)).toBe(major)
})

it.each([
  { deaths: 1, ms: 500 },
  { deaths: 2, ms: 1_000 },
  { deaths: 5, ms: 8_000 },
  { deaths: 6, ms: 15_000 },
  { deaths: 60, ms: 15_000 },
])('waits $ms ms after death $deaths', ({ deaths, ms }) => {
  expect(backoffMs(deaths)).toBe(ms)
})

it('bounds a log and keeps what it held until then', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-log-'))
  const path = join(folder, 'x.log')
  try {
    writeFileSync(path, 'one\ntwo\nthree\n')
    boundLog(path, 14)
    expect(existsSync(`${path}.1`)).toBe(false)
    boundLog(path, 13)
    expect(statSync(path).size).toBe(0)
    expect(readFileSync(`${path}.1`, 'utf8')).toBe('one\ntwo\nthree\n')
    expect(lastLines(`${path}.1`, 2)).toEqual(['two', 'three'])
    expect(lastLines(join(folder, 'none'), 2)).toEqual([])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
