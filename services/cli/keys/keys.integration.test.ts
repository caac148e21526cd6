/** Keys as the command makes and revokes them, and how soon a server that follows them knows. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../../../ops/test/eventually.ts'
import { stackEnvironment, uniqueName } from '../../../ops/test/stack.ts'
import { controlKeys } from '../../../schemas/topics.ts'
import { mainScript } from '../stack/node-services.ts'
import { readConfig } from '../../shared/config.ts'
import type { Identity } from '../../shared/identity/identity.ts'
import { openIdentity, type OpenIdentity } from '../../shared/identity/open-identity.ts'
import { testKey } from '../../shared/identity/testing/test-keys.ts'
import { messageOf } from '../../shared/errors.ts'
import { publishKey } from '../../keys/key-log.ts'
import { IdempotentProducer } from '../../../pipelines/runtime/kafka/index.ts'
import { kafkaCluster } from '../../shared/kafka.ts'
import { createLogger } from '../../shared/logger.ts'
import { registryConnection } from '../../shared/registry.ts'
import { applyPipelineTopics } from '../../topics/pipeline-topics.ts'

const run = promisify(execFile)
const config = { ...readConfig(stackEnvironment()), host: '0.0.0.0' }
const cluster = kafkaCluster(config)
const lines: string[] = []
const logger = createLogger({
  service: 'test',
  level: 'trace',
  destination: { write: (line) => lines.push(line) },
})

interface Printed {
  readonly id: string
  readonly key: string
  readonly state: string
  readonly keys: readonly Printed[]
}

const keys = async (...args: readonly string[]): Promise<{ json: Printed; text: string }> => {
  const environment = { ...process.env, ...stackEnvironment() }
  const command = [mainScript, 'keys', ...args, '--json']
  const { stdout } = await run(process.execPath, command, { env: environment })
  return { json: JSON.parse(stdout) as Printed, text: stdout }
}

let callers: OpenIdentity
let identity: Identity
beforeAll(async () => {
  const wanted = { topics: [controlKeys], pipelines: [], partitions: 1 }
  const connection = registryConnection(config.schemaRegistry)
  expect(await applyPipelineTopics(wanted, { cluster, connection })).toEqual([])
  callers = openIdentity(config, { cluster, logger })
  ;({ identity } = callers)
  expect(
    await eventually(
      () => identity.ready(),
      (ready) => ready === true,
    ),
  ).toBe(true)
})
afterAll(async () => {
  await callers.close()
  await cluster.close()
})

const tenant = uniqueName('tenant')

it('is made, works, is listed without its secret, and is revoked', async () => {
  const made = await keys('create', '--name', 'a test', '--tenant', tenant, '--roles', 'viewer')
  const headers = { 'x-api-key': made.json.key }
  const answer = (): unknown => {
    try {
      return identity.authenticate(headers)
    } catch (error) {
      return error
    }
  }
  const isIn = (found: unknown) => !(found instanceof Error)
  expect(await eventually(answer, isIn)).toMatchObject({
    tenants: tenant,
    roles: ['viewer'],
    kinds: [],
  })

  const listed = await keys('list', '--tenant', tenant)
  expect(listed.json.keys).toEqual([expect.objectContaining({ id: made.json.id, state: 'active' })])
  const secret = made.json.key.split('_').slice(2).join('_')
  expect(listed.text).not.toContain(secret)

  const revoked = await keys('revoke', made.json.key, '--reason', 'the test is over')
  expect(revoked.json).toMatchObject({ state: 'revoked', revokedWhy: 'the test is over' })
  const refusal = await eventually(answer, (found) => !isIn(found))
  expect(refusal).toMatchObject({ code: 'credentials-refused' })
  expect((await keys('list', '--tenant', tenant)).json.keys).toEqual([])
  const all = await keys('list', '--tenant', tenant, '--all')
  expect(all.json.keys).toEqual([
    expect.objectContaining({ state: 'revoked', createdBy: expect.any(String) }),
  ])
  expect(lines.join('')).not.toContain(secret)
})

it('is refused within a second after its revocation is in Kafka (median of five)', async () => {
  const isIn = (key: string): boolean => {
    try {
      void identity.authenticate({ 'x-api-key': key })
      return true
    } catch {
      return false
    }
  }
  const tookMs: number[] = []
  for (let round = 0; round < 5; round += 1) {
    const { key, entry } = testKey({ tenant, roles: ['viewer'] })
    await publishKey(entry, { config, cluster })
    expect(await eventually(() => isIn(key), Boolean)).toBe(true)
    await publishKey({ ...entry, state: 'revoked' }, { config, cluster })
    const sinceMs = performance.now()
    const isOut = await eventually(() => !isIn(key), Boolean, { intervalMs: 5 })
    expect(isOut).toBe(true)
    tookMs.push(performance.now() - sinceMs)
  }
  expect(tookMs.sort((a, b) => a - b)[2]).toBeLessThan(1_000)
})

it('of which an entry cannot be read is refused', async () => {
  const { key, entry } = testKey({ tenant, roles: ['viewer'] })
  const answer = () => {
    try {
      return identity.authenticate({ 'x-api-key': key }).constructor.name
    } catch (error) {
      return messageOf(error)
    }
  }
  await publishKey(entry, { config, cluster })
  expect(await eventually(answer, (found) => found === 'Object')).toBe('Object')
  const producer = new IdempotentProducer({ cluster, name: uniqueName('rubbish') })
  await producer.send({
    topic: controlKeys.name,
    key: Buffer.from(controlKeys.keyOf(entry)),
    value: Buffer.from('no revocation that anybody could read'),
  })
  await producer.close()
  expect(await eventually(answer, (found) => found.includes('revoked'))).toMatch(/revoked/)
})

it('knows the keys that were made before it started', async () => {
  const made = await keys('create', '--name', 'earlier', '--tenant', tenant, '--kinds', 'logs')
  const later = openIdentity(config, { cluster, logger })
  const headers = { authorization: `Bearer ${made.json.key}` }
  expect(() => later.identity.authenticate(headers)).toThrow(
    expect.objectContaining({ code: 'identity-unavailable' }),
  )
  expect(
    await eventually(
      () => later.identity.ready(),
      (ready) => ready === true,
    ),
  ).toBe(true)
  expect(later.identity.authenticate(headers)).toMatchObject({ kinds: ['logs'] })
  await later.close()
})

it.each([
  { title: 'an id that is none', args: ['revoke', 'abc'], code: 1 },
  { title: 'nothing that the key may do', args: ['create', '--name', 'x'], code: 2 },
])('$title ends with $code', async ({ args, code }) => {
  await expect(keys(...args)).rejects.toMatchObject({ code })
})
