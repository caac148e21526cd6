/** A Kafka broker of the drill's own, with the settings of the local stack, to kill and start again. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findArtifacts } from '../../infra/local/artifacts.ts'
import { findJava } from '../../infra/local/java.ts'
import { kafkaServer } from '../../infra/local/kafka.ts'
import { layoutOf } from '../../infra/local/layout.ts'
import { wellKnownPorts } from '../../infra/local/ports.ts'

export interface KillableKafka {
  readonly brokers: readonly string[]
  /** SIGKILL: nothing is flushed, nobody is told. */
  kill(): Promise<void>
  /** Starts it again on the same data and waits until it answers. */
  start(): Promise<void>
  /** Stops it and removes its data. */
  dispose(): Promise<void>
}

const START_DEADLINE_MS = 120_000

const freePort = async (): Promise<number> => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

export async function startKillableKafka(): Promise<KillableKafka> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-drill-'))
  const ports = { ...wellKnownPorts, kafka: await freePort(), kafkaController: await freePort() }
  const server = kafkaServer({
    java: await findJava(),
    artifacts: findArtifacts(),
    layout: layoutOf(dataDir),
    ports,
  })
  let child: ChildProcess | undefined

  const start = async (): Promise<void> => {
    await server.prepare?.()
    const log = openSync(join(dataDir, 'kafka.log'), 'a')
    const env = { ...process.env, ...server.env }
    const cwd = server.cwd ?? dataDir
    child = spawn(server.command, server.args, { cwd, env, stdio: ['ignore', log, log] })
    const giveUp = AbortSignal.timeout(START_DEADLINE_MS)
    while ((await server.healthy(AbortSignal.timeout(2000))) !== 'ready') {
      if (giveUp.aborted || child.exitCode !== null)
        throw new Error(`Kafka did not start; see ${dataDir}`)
      await sleep(100)
    }
  }
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }
  await start()
  return {
    brokers: [`127.0.0.1:${String(ports.kafka)}`],
    start,
    kill,
    dispose: async () => {
      await kill()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
