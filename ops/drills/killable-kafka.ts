/** A Kafka broker of the drill's own, with the settings of the local stack, to kill and start again. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findArtifacts } from '../../infra/local/artifacts.ts'
import { freePortBase, layoutOf } from '../../infra/local/index.ts'
import { inspectJava } from '../../infra/local/java.ts'
import { kafkaServer } from '../../infra/local/kafka.ts'
import { portsFrom } from '../../infra/local/ports.ts'
import { Killable } from '../chaos/killable.ts'

export interface KillableKafka {
  readonly brokers: readonly string[]
  readonly server: Killable
  /** Stops it and removes its data. */
  dispose(): Promise<void>
}

export async function startKillableKafka(): Promise<KillableKafka> {
  const layout = layoutOf(mkdtempSync(join(tmpdir(), 'millrace-drill-')))
  mkdirSync(layout.logs)
  const ports = portsFrom(await freePortBase())
  const { command: java } = await inspectJava()
  const spec = kafkaServer({ java, artifacts: findArtifacts(), layout, ports })
  const server = new Killable(spec, { log: join(layout.logs, 'kafka.log') })
  await server.start()
  return {
    brokers: [`127.0.0.1:${String(ports.kafka)}`],
    server,
    dispose: async () => {
      await server.kill()
      rmSync(layout.root, { recursive: true, force: true })
    },
  }
}
