import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { identityOf } from '../../infra/local/process-identity.ts'
import { portsFrom } from '../../infra/local/ports.ts'
import { EXIT } from '../shared/errors.ts'
import { localStackVariables, stackVariablesFor } from './local-stack.ts'

let data = ''

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'millrace-local-stack-'))
})

afterEach(() => {
  rmSync(data, { recursive: true })
})

const recordStack = (identity: object | undefined): void => {
  const state = { ...identity, since: 0, ports: portsFrom(20_000), processes: [] }
  writeFileSync(join(data, 'stack.json'), JSON.stringify(state))
}

describe('the servers of a running local stack', () => {
  beforeEach(() => {
    recordStack(identityOf(process.pid))
  })

  it('are found with their login, without a setting in the environment', () => {
    expect(localStackVariables({ PATH: '/bin', KAFKA_SSL: '' }, data)).toEqual({
      KAFKA_BROKERS: '127.0.0.1:20002',
      SCHEMA_REGISTRY_URL: 'http://127.0.0.1:20003/apis/ccompat/v7',
      CLICKHOUSE_URL: 'http://127.0.0.1:20004',
      CLICKHOUSE_USERNAME: 'millrace',
      CLICKHOUSE_PASSWORD_FILE: join(data, 'secrets', 'clickhouse-password'),
    })
  })

  it.each([
    { set: 'KAFKA_BROKERS', leaves: ['SCHEMA_REGISTRY_URL', 'CLICKHOUSE_URL'] },
    { set: 'KAFKA_SASL_USERNAME', leaves: ['SCHEMA_REGISTRY_URL', 'CLICKHOUSE_URL'] },
    { set: 'CLICKHOUSE_URL', leaves: ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL'] },
    { set: 'CLICKHOUSE_PASSWORD', leaves: ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL'] },
  ])('are not mixed with what the environment says: $set', ({ set, leaves }) => {
    const added = Object.keys(localStackVariables({ [set]: 'other' }, data))
    expect(added.filter((name) => !/USERNAME|PASSWORD/.test(name))).toEqual(leaves)
    const sentTo = set.split('_')[0] ?? ''
    expect(added.some((name) => name.startsWith(sentTo))).toBe(false)
  })
})

it('a folder that was named but runs nothing is an error with the way out', () => {
  recordStack({ pid: process.pid, startedAt: 'another life' })
  expect(() => localStackVariables({}, data)).toThrow(
    expect.objectContaining({
      exitCode: EXIT.unreachable,
      message: expect.stringContaining(`npm start -- --data ${data}`) as string,
    }),
  )
})

it('variables that the stack leaves empty are not added', () => {
  expect(stackVariablesFor({}, { KAFKA_BROKERS: 'a:1', KAFKA_SSL: '' })).toEqual({
    KAFKA_BROKERS: 'a:1',
  })
})
