import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { stackEnvironment } from '../../ops/test/stack.ts'
import { openClickHouse } from './clickhouse.ts'
import { readConfig } from './config.ts'
import { createLogger } from './logger.ts'

it('a password that is replaced holds for the next request', async () => {
  const environment = stackEnvironment()
  const right = await readConfig(environment).clickhouse.password?.current()
  const folder = mkdtempSync(join(tmpdir(), 'millrace-clickhouse-'))
  const file = join(folder, 'password')
  writeFileSync(file, 'the old one')
  const config = readConfig({
    ...environment,
    CLICKHOUSE_PASSWORD: '',
    CLICKHOUSE_PASSWORD_FILE: file,
    CLICKHOUSE_DATABASE: 'system',
  })
  const client = openClickHouse(config, { application: 'test', requestTimeoutMs: 30_000 })
  const ask = async () => {
    const answer = await client.query({ query: 'SELECT 1 AS one', format: 'JSONEachRow' })
    return answer.json()
  }
  try {
    await expect(ask()).rejects.toThrow(/Authentication failed/)
    writeFileSync(file, `${right?.reveal() ?? ''}\n`)
    await config.secrets.refresh(createLogger({ service: 'test', level: 'silent' }))
    expect(await ask()).toEqual([{ one: 1 }])
  } finally {
    await client.close()
    rmSync(folder, { recursive: true })
  }
})
