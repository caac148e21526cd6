/**
 * A worker of the drill, as a process of its own: `node worker.ts PIPELINE`.
 *
 * By IPC it is told to stop or die at a stage of its next commit, which no signal from outside hits.
 */
import {
  KafkaCluster,
  SchemaRegistryClient,
  StreamWorker,
} from '../../../pipelines/runtime/kafka/index.ts'
import type { KafkaLogger, TransactionStage } from '../../../pipelines/runtime/kafka/index.ts'
import { readConfig } from '../../../services/shared/config.ts'
import { kafkaClusterOptions } from '../../../services/shared/kafka.ts'
import { registryConnection } from '../../../services/shared/registry.ts'
import { schemaIdsOf } from '../../../services/worker/schema-ids.ts'
import { SESSION_TIMEOUT_MS, type Order } from './orders.ts'
import { createCounting } from './pipeline.ts'

let order: Order | undefined

const obeyAt = (stage: TransactionStage): void => {
  if (order?.stage !== stage) return
  const { signal } = order
  order = undefined
  process.kill(process.pid, signal)
}

const line = (fields: object, message: string): void => {
  process.stderr.write(`${process.pid} ${message} ${JSON.stringify(fields)}\n`)
}
const logger: KafkaLogger = { debug: () => undefined, info: line, warn: line, error: line }

const run = async (name: string): Promise<void> => {
  const config = readConfig(process.env)
  const connection = registryConnection(config.schemaRegistry)
  const { pipeline } = createCounting(name)
  const clientId = `drill-${process.pid}`
  const cluster = new KafkaCluster({ ...kafkaClusterOptions(config, { clientId }), logger })
  const worker = new StreamWorker({
    cluster,
    registry: new SchemaRegistryClient(connection),
    pipeline,
    applicationId: 'drill',
    schemaIds: await schemaIdsOf(pipeline, connection),
    commitIntervalMs: 20,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    onStage: obeyAt,
    onFailure(error) {
      line({}, String(error))
      process.exit(1)
    },
  })
  process.on('message', (message) => {
    order = message as Order
  })
  process.once('SIGTERM', () => {
    void worker
      .stop()
      .then(() => cluster.close())
      .then(() => process.exit(0))
  })
  // Nobody to drill for.
  process.once('disconnect', () => process.exit(1))
  await worker.start()
}

const [name] = process.argv.slice(2)
if (name !== undefined) await run(name)
