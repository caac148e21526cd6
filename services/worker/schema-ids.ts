/** Under which ids the schemas of this version are registered: what a worker writes with. */
import { internalTopics, type Pipeline } from '../../pipelines/runtime/index.ts'
import type { RegistryConnection } from '../../pipelines/runtime/kafka/registry-http.ts'
import type { AvroSchema } from '../../schemas/topic.ts'
import { registeredSchemaId } from '../shared/registry.ts'

interface TopicSchema {
  readonly name: string
  readonly schema?: AvroSchema | undefined
}

/**
 * By topic: the pipeline's outputs and its internal topics.
 *
 * @throws ServiceError SCHEMA_NOT_REGISTERED when topics were not applied by this version
 */
export const schemaIdsOf = async (
  pipeline: Pipeline,
  connection: RegistryConnection,
): Promise<ReadonlyMap<string, number>> => {
  const topics: TopicSchema[] = [...Object.values(pipeline.outputs), ...internalTopics(pipeline)]
  const ids = await Promise.all(
    topics.map(async ({ name, schema }) =>
      schema === undefined
        ? undefined
        : ([name, await registeredSchemaId({ name, schema }, connection)] as const),
    ),
  )
  return new Map(ids.filter((entry) => entry !== undefined))
}
