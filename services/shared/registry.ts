/** The schema registry of a process, from its configuration, and encoders for what it publishes. */
import { RecordEncoder } from '../../pipelines/runtime/avro/index.ts'
import { SchemaRegistryClient } from '../../pipelines/runtime/kafka/index.ts'
import {
  askRegistry,
  type RegistryConnection,
} from '../../pipelines/runtime/kafka/registry-http.ts'
import type { AvroSchema, Topic } from '../../schemas/topic.ts'
import type { Config } from './config.ts'
import { ServiceError } from './errors.ts'

export const registryConnection = ({
  url,
  login,
}: Config['schemaRegistry']): RegistryConnection => ({
  url,
  ...(login === undefined
    ? {}
    : {
        login: {
          username: login.username,
          password: async () => (await login.password.current()).reveal(),
        },
      }),
})

/** Nothing is asked yet; the first look-up does it. */
export const schemaRegistry = (config: Pick<Config, 'schemaRegistry'>): SchemaRegistryClient =>
  new SchemaRegistryClient(registryConnection(config.schemaRegistry))

/**
 * The id under which this version's schema of a topic is registered. Asks only; registering is the
 * business of `millrace topics apply` alone.
 *
 * @throws ServiceError SCHEMA_NOT_REGISTERED
 */
export const registeredSchemaId = async (
  { name, schema }: { readonly name: string; readonly schema: AvroSchema },
  connection: RegistryConnection,
): Promise<number> => {
  const subject = `${name}-value`
  const answer = await askRegistry(connection, {
    method: 'POST',
    path: ['subjects', subject],
    body: { schema: JSON.stringify(schema) },
  })
  if (answer.kind === 'missing') {
    throw new ServiceError({
      code: 'SCHEMA_NOT_REGISTERED',
      message: `The schema of '${subject}' is not registered at ${connection.url}; run \`millrace topics apply\`.`,
    })
  }
  return Number(idIn(answer.body))
}

/** Encodes values of a topic with this version's schema. */
export const topicEncoder = async <Value>(
  topic: Topic<Value>,
  connection: RegistryConnection,
): Promise<RecordEncoder<Value>> => {
  const schemaId = await registeredSchemaId(topic, connection)
  return new RecordEncoder<Value>({ schema: topic.schema, schemaId })
}

const idIn = (body: unknown): unknown =>
  typeof body === 'object' && body !== null ? Reflect.get(body, 'id') : undefined
