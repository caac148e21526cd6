/** The servers of the test run are there, and are what the product expects. */
import { connect } from 'node:net'
import { once } from 'node:events'
import { expect, it } from 'vitest'
import { readConfig } from '../../services/shared/config.ts'
import { stackEnvironment } from './stack.ts'

const config = readConfig(stackEnvironment())

it('Kafka accepts connections', async () => {
  const [host = '', port = ''] = (config.kafka.brokers[0] ?? '').split(':')
  const socket = connect(Number(port), host)
  await once(socket, 'connect')
  socket.destroy()
})

it('the registry answers as Confluent’s does', async () => {
  const answer = await fetch(`${config.schemaRegistry.url}/subjects`)
  expect(answer.status).toBe(200)
  expect(await answer.json()).toBeInstanceOf(Array)
})

it('ClickHouse lets the configured user in, and nobody without password', async () => {
  const { url, username, password } = config.clickhouse
  const ask = (secret: string) =>
    fetch(`${url}/?query=SELECT+1`, {
      headers: { 'x-clickhouse-user': username, 'x-clickhouse-key': secret },
    })
  expect(await (await ask((await password?.current())?.reveal() ?? '')).text()).toBe('1\n')
  expect((await ask('wrong')).ok).toBe(false)
})
