/**
 * Registering through @kafkajs/confluent-schema-registry, which is what other people's Node
 * producers use against the same registry. Look-ups by id are in registry.ts: docs/adr/0007 has
 * the evidence for the border.
 *
 *   P1  Ends within `requestTimeoutMs`, whatever the package does: a body that breaks off halfway
 *       never settles there. Its connections are closed with it.
 *   P2  Errors are those of registry-http.ts. The package reports a refused connection as status
 *       400, and its own middlewares see no more; so Node is asked whether a request failed.
 *   P3  One attempt. The package would repeat every failure, a refusal too; the caller knows better.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import registryPackage from '@kafkajs/confluent-schema-registry'
import type { AvroSchema, Compatibility } from '../../../schemas/topic.ts'
import { KafkaError } from './kafka-error.ts'
import {
  noAnswer,
  notRegistry,
  refusalIn,
  REGISTRY_TIMEOUT_MS,
  type RegistryConnection,
} from './registry-http.ts'

type SchemaRegistry = InstanceType<typeof registryPackage.SchemaRegistry>
/** Published by Node for every HTTP request that ends without an answer. */
const REQUEST_FAILED = 'http.client.request.error'
/**
 * Registers a version under a subject whose rule is set already; the same schema again is no new
 * version. Answers its id. Throws KafkaError: SCHEMA_INCOMPATIBLE with the registry's reason,
 * REGISTRY_UNREACHABLE (retryable), REGISTRY_UNAUTHORIZED, REGISTRY_REFUSED.
 */
export const registerSchema = async (
  connection: RegistryConnection,
  {
    subject,
    schema,
    compatibility,
  }: {
    readonly subject: string
    readonly schema: AvroSchema
    readonly compatibility: Compatibility
  },
): Promise<number> => {
  const { id } = await exchange(connection, `register '${subject}'`, (registry) =>
    registry.register(
      { type: registryPackage.SchemaType.AVRO, schema: JSON.stringify(schema) },
      { subject, compatibility: registryPackage.COMPATIBILITY[compatibility] },
    ),
  )
  if (Number.isInteger(id)) return id
  throw notRegistry(connection, `register '${subject}'`)
}

const exchange = async <Result>(
  connection: RegistryConnection,
  what: string,
  work: (registry: SchemaRegistry) => Promise<Result>,
): Promise<Result> => {
  const { url, login, tls, requestTimeoutMs = REGISTRY_TIMEOUT_MS } = connection
  const auth = login && { username: login.username, password: await login.password() }
  const agent = url.startsWith('https:') ? new HttpsAgent({ ca: tls?.ca }) : new HttpAgent()
  let failure: Error | undefined
  const onFailed = (message: unknown) => {
    const { request, error } = message as { request: { agent: unknown }; error: Error }
    if (request.agent === agent) failure = error
  }
  subscribe(REQUEST_FAILED, onFailed)
  const registry = new registryPackage.SchemaRegistry({
    host: url.replace(/\/+$/, ''),
    agent,
    retry: { retries: 0 }, // P3
    ...(auth === undefined ? {} : { auth }),
  })
  const limit = AbortSignal.timeout(requestTimeoutMs)
  const { promise: expired, reject } = Promise.withResolvers<never>()
  const expire = () => {
    reject(noAnswer(connection, what, limit.reason))
  }
  limit.addEventListener('abort', expire)
  try {
    return await Promise.race([work(registry), expired]) // P1
  } catch (error) {
    if (error instanceof KafkaError) throw error
    if (failure !== undefined) throw noAnswer(connection, what, failure) // P2
    throw explained(connection, what, error)
  } finally {
    limit.removeEventListener('abort', expire)
    unsubscribe(REQUEST_FAILED, onFailed)
    agent.destroy()
  }
}

/** The registry has answered, but the package throws. */
const explained = (connection: RegistryConnection, what: string, error: unknown): KafkaError => {
  const message = error instanceof Error ? error.message : String(error)
  const status = statusIn(error)
  if (status !== undefined) return refusalIn(connection, what, { status, message })
  // Its rule is another one than that which was set just before.
  if (error instanceof Error && error.name === 'ConfluentSchemaRegistryCompatibilityError') {
    return new KafkaError(
      'REGISTRY_REFUSED',
      `The schema registry at ${connection.url} cannot ${what}: ${message}; run \`millrace topics apply\``,
      { cause: error },
    )
  }
  return notRegistry(connection, what)
}

const statusIn = (error: unknown): number | undefined => {
  const status: unknown = error instanceof Error && 'status' in error ? error.status : undefined
  return typeof status === 'number' ? status : undefined
}
