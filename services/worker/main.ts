/** The worker: runs pipelines, as one of any number of processes that share their partitions. */
import type { ForeignTopic } from '../../pipelines/intake/foreign-records.ts'
import {
  DEFAULT_APPLICATION_ID,
  forApplication,
  type Pipeline,
} from '../../pipelines/runtime/index.ts'
import {
  createTaskMemory,
  SchemaRegistryClient,
  StreamWorker,
} from '../../pipelines/runtime/kafka/index.ts'
import { usageError, type ExitCode } from '../shared/errors.ts'
import { kafkaCluster } from '../shared/kafka.ts'
import { registryConnection } from '../shared/registry.ts'
import { runService, type RunningService, type ServiceContext } from '../shared/service.ts'
import { allPipelines, orderedPipelines } from './pipelines.ts'
import { schemaIdsOf } from './schema-ids.ts'
import { exposeMemory, exposeWorkers } from './worker-metrics.ts'

export interface WorkerOptions {
  /** Names of the pipelines to run; all when absent, `intake` only if it has topics to read. */
  readonly only?: readonly string[]
  /** Workers of one application share the work; another application does all of it again. */
  readonly applicationId?: string
}

const DEFAULT_HEALTH_PORT = 9464
const INTAKE = 'intake'

export const run = async ({
  only,
  applicationId = DEFAULT_APPLICATION_ID,
}: WorkerOptions = {}): Promise<ExitCode> => {
  return runService({
    name: 'worker',
    healthPort: DEFAULT_HEALTH_PORT,
    start: (context) => {
      const chosen = choose(only, context.config.foreignTopics)
      const pipelines = chosen.map((pipeline) => forApplication(pipeline, applicationId))
      return startWorkers(context, { pipelines, applicationId })
    },
  })
}

interface Work {
  readonly pipelines: readonly Pipeline[]
  readonly applicationId: string
}

const startWorkers = async (
  context: ServiceContext,
  { pipelines, applicationId }: Work,
): Promise<RunningService> => {
  const { config, logger, metrics } = context
  const cluster = kafkaCluster(config, { logger })
  const connection = registryConnection(config.schemaRegistry)
  const registry = new SchemaRegistryClient(connection)
  await cluster.connect({ signal: context.signal })
  const memory = createTaskMemory()
  const workers = await Promise.all(
    pipelines.map(
      async (pipeline) =>
        new StreamWorker({
          cluster,
          registry,
          pipeline,
          applicationId,
          memory,
          schemaIds: await schemaIdsOf(pipeline, connection),
          onFailure: context.fail,
        }),
    ),
  )
  exposeWorkers(workers, metrics)
  exposeMemory(memory, metrics)
  await Promise.all(workers.map((worker) => worker.start()))
  return {
    ready() {
      const reasons = workers.map((worker) => worker.readiness())
      return reasons.find((reason) => reason !== true) ?? true
    },
    async stop() {
      await Promise.all(workers.map((worker) => worker.stop()))
      await cluster.close()
    },
  }
}

const choose = (
  only: readonly string[] | undefined,
  foreignTopics: readonly ForeignTopic[],
): readonly Pipeline[] => {
  const all = allPipelines(foreignTopics)
  if (only === undefined) return foreignTopics.length === 0 ? orderedPipelines : all
  const names = all.map(({ name }) => name)
  const unknown = only.find((name) => !names.includes(name))
  if (unknown !== undefined) {
    throw usageError(`There is no pipeline '${unknown}'; there are: ${names.join(', ')}.`)
  }
  if (only.includes(INTAKE) && foreignTopics.length === 0) {
    throw usageError(`'${INTAKE}' has nothing to read; name topics in MILLRACE_INTAKE_TOPICS.`)
  }
  return all.filter(({ name }) => only.includes(name))
}
