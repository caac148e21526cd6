import { beforeAll, describe, expect, it } from 'vitest'
import { stackEnvironment, uniqueName } from '../../../ops/test/stack.ts'
import { SchemaRegistryClient, UNKNOWN_SCHEMA } from './registry.ts'

const fields = (...names: readonly string[]) =>
  names.map((name) => ({ name, type: 'long', ...(name === 'a' ? {} : { default: 0 }) }))

const record = (name: string, ...names: readonly string[]) => ({
  type: 'record',
  name,
  namespace: 'test',
  fields: fields(...names),
})

let url = ''
beforeAll(() => {
  url = stackEnvironment()['SCHEMA_REGISTRY_URL'] ?? ''
})

describe('a real registry', () => {
  it('gives back what was registered, to a client that only knows the id', async () => {
    const subject = `${uniqueName('orders')}-value`
    const schema = record(uniqueName('R').replaceAll('-', '_'), 'a')
    const writer = new SchemaRegistryClient({ url })
    const id = await writer.register(subject, schema, 'FULL_TRANSITIVE')
    expect(await writer.register(subject, schema, 'FULL_TRANSITIVE')).toBe(id)
    const reader = new SchemaRegistryClient({ url })
    expect(await reader.lookUp(id)).toEqual(schema)
    expect(await reader.latest(subject)).toEqual({ id, version: 1, schema })
  })

  it('holds a new subject to its rule from the first change on', async () => {
    const subject = `${uniqueName('orders')}-value`
    const name = uniqueName('R').replaceAll('-', '_')
    const client = new SchemaRegistryClient({ url })
    const first = await client.register(subject, record(name, 'a'), 'FULL_TRANSITIVE')
    const second = await client.register(subject, record(name, 'a', 'b'), 'FULL_TRANSITIVE')
    expect(await client.latestId(subject)).toBe(second)
    expect(second).not.toBe(first)
    // Without a default for `a`, records of the new schema cannot be read with the old one.
    const change = client.register(subject, record(name, 'b'), 'FULL_TRANSITIVE')
    await expect(change).rejects.toMatchObject({ code: 'SCHEMA_INCOMPATIBLE', retryable: false })
    expect(await client.latestId(subject)).toBe(second)
  })

  it('tells an unknown id from a wrong address', async () => {
    const unknownId = 2 ** 31 - 1
    expect(await new SchemaRegistryClient({ url }).lookUp(unknownId)).toBe(UNKNOWN_SCHEMA)
    const astray = new SchemaRegistryClient({ url: `${url}/astray` })
    await expect(astray.lookUp(unknownId)).rejects.toMatchObject({ code: 'REGISTRY_REFUSED' })
    expect(await new SchemaRegistryClient({ url }).latestId(uniqueName('none'))).toBeUndefined()
  })
})
