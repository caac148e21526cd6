/**
 * A worker of the drill, as a process of its own: `node worker.ts [ORDER]`.
 *
 * By IPC it is told to stop or die at a stage of its next commit, or in the middle of a restore,
 * which no signal from outside hits; and it says what the broker answered then.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { SchemaRegistryClient, StreamWorker } from '../../pipelines/runtime/kafka/index.ts'
import type { KafkaLogger, TransactionStage } from '../../pipelines/runtime/kafka/index.ts'
import { readConfig } from '../../services/shared/config.ts'
import { exitCodeOf } from '../../services/shared/errors.ts'
import { kafkaClusterOptions } from '../../services/shared/kafka.ts'
import { registryConnection } from '../../services/shared/registry.ts'
import { schemaIdsOf } from '../../services/worker/schema-ids.ts'
import { SESSION_TIMEOUT_MS, type Message, type Order } from './orders.ts'
import { APPLICATION, counting } from './pipeline.ts'
import { WitnessCluster } from './witness.ts'

const STATUS_EVERY_MS = 100

let order: Order | undefined
let restoreAnswers = 0
/** Open when it was struck: what the broker says to them is said on. */
let struck: ReadonlySet<string> = new Set()
let stop: () => Promise<void> = () => Promise.resolve()

const say = (message: Message): Promise<void> =>
  new Promise((resolve) => {
    if (process.send === undefined) resolve()
    else process.send(message, () => resolve())
  })

const line = (fields: object, message: string): void => {
  const time = new Date().toISOString()
  process.stderr.write(`${time} ${process.pid} ${message} ${JSON.stringify(fields)}\n`)
}
const logger: KafkaLogger = { debug: () => undefined, info: line, warn: line, error: line }

/** In one turn: nothing of this process goes on between what it says and the signal. */
const obey = (signal: Order['signal'], open: Iterable<string>, about: string): void => {
  struck = new Set(open)
  line({ signal, open: [...struck] }, `Struck at ${about}`)
  // The channel is empty, so this is written before it returns.
  void say({ kind: 'struck', open: [...struck], about })
  process.kill(process.pid, signal)
}

const run = async (first: string | undefined): Promise<void> => {
  if (first !== undefined) order = JSON.parse(first) as Order
  const config = readConfig(process.env)
  const connection = registryConnection(config.schemaRegistry)
  const clientId = `chaos-${process.pid}`
  const cluster = new WitnessCluster({ ...kafkaClusterOptions(config, { clientId }), logger })
  cluster.onVerdict = (transaction, answer) => {
    if (struck.has(transaction)) void say({ kind: 'verdict', transaction, answer })
  }
  cluster.onRestoreAnswer = (topic) => {
    if (order?.at !== 'restore') return
    restoreAnswers += 1
    if (restoreAnswers < order.answer) return
    const { signal } = order
    order = undefined
    obey(signal, cluster.open, `answer ${restoreAnswers} of a restore, of ${topic}`)
  }
  const worker = new StreamWorker({
    cluster,
    registry: new SchemaRegistryClient(connection),
    pipeline: counting,
    applicationId: APPLICATION,
    schemaIds: await schemaIdsOf(counting, connection),
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    async onStage(stage: TransactionStage) {
      if (order?.at !== stage) return
      const given = order
      const { signal } = given
      order = undefined
      // Who sleeps must have its answers, or it gives up over a late one before it says EndTxn.
      while (signal === 'SIGSTOP' && cluster.inFlight > 0) await nextTurn()
      // Refused just now: then at the next one.
      if (signal === 'SIGSTOP' && cluster.open.size === 0) order = given
      else {
        cluster.hearsOut = signal === 'SIGSTOP'
        obey(signal, cluster.open, stage)
      }
    },
    onFailure(error) {
      line({}, String(error))
      process.exit(1)
    },
  })
  stop = async () => {
    await worker.stop()
    await cluster.close()
  }
  await worker.start()
  setInterval(() => {
    const partitions = worker.tasks.map(({ partition }) => partition)
    void say({ kind: 'status', ready: worker.readiness() === true, partitions })
  }, STATUS_EVERY_MS)
}

if (process.send !== undefined) {
  process.on('message', (message) => {
    order = message as Order
  })
  process.once('SIGTERM', () => {
    void stop().then(() => process.exit(0))
  })
  // Nobody to drill for.
  process.once('disconnect', () => process.exit(1))
  // From here on it can be told to stop.
  await say({ kind: 'status', ready: false, partitions: [] })
  await run(process.argv[2]).catch((error: unknown) => {
    line({}, `Cannot start: ${String(error)}`)
    process.exit(exitCodeOf(error))
  })
}
