/** A worker of the rebalance tests, as a process of its own: `node worker.ts PIPELINE`. */
import {
  KafkaCluster,
  SchemaRegistryClient,
  StreamWorker,
} from '../../../pipelines/runtime/kafka/index.ts'
import type { KafkaLogger } from '../../../pipelines/runtime/kafka/index.ts'
import { readConfig } from '../../../services/shared/config.ts'
import { kafkaClusterOptions } from '../../../services/shared/kafka.ts'
import { registryConnection } from '../../../services/shared/registry.ts'
import { schemaIdsOf } from '../../../services/worker/schema-ids.ts'
import { SESSION_TIMEOUT_MS, type WorkerStatus } from './crew.ts'
import { createNumbering } from './pipeline.ts'

const STATUS_EVERY_MS = 50

const line = (fields: object, message: string): void => {
  process.stderr.write(
    `${new Date().toISOString()} ${process.pid} ${message} ${JSON.stringify(fields)}\n`,
  )
}
const logger: KafkaLogger = { debug: () => undefined, info: line, warn: line, error: line }

const run = async (name: string): Promise<void> => {
  const config = readConfig(process.env)
  const connection = registryConnection(config.schemaRegistry)
  const { pipeline } = createNumbering(name)
  const clientId = `rebalance-${process.pid}`
  const cluster = new KafkaCluster({ ...kafkaClusterOptions(config, { clientId }), logger })
  const worker = new StreamWorker({
    cluster,
    registry: new SchemaRegistryClient(connection),
    pipeline,
    applicationId: 'rebalance',
    schemaIds: await schemaIdsOf(pipeline, connection),
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    onFailure(error) {
      line({}, String(error))
      process.exit(1)
    },
  })
  process.once('SIGTERM', () => {
    void worker
      .stop()
      .then(() => cluster.close())
      .then(() => process.exit(0))
  })
  // Nobody to test for.
  process.once('disconnect', () => process.exit(1))
  await worker.start()
  setInterval(() => {
    const ready = worker.readiness() === true
    const partitions = worker.tasks.map(({ partition }) => partition)
    process.send?.({ ready, partitions } satisfies WorkerStatus)
  }, STATUS_EVERY_MS)
}

const [name] = process.argv.slice(2)
if (name !== undefined) await run(name)
