/**
 * Schemas by id, for readers, and ids by subject, for writers.
 *
 * A schema id never changes its meaning, so what was found is kept, up to a number that no product
 * comes near. An id the registry does not know is remembered for a minute only: it may be registered
 * later, and until then every record that carries it is a dead letter without another question.
 * Schemas of other types than Avro count as unknown: our topics hold Avro.
 */
import type { AvroSchema, Compatibility } from '../../../schemas/topic.ts'
import { KafkaError } from './kafka-error.ts'
import { askRegistry, type RegistryConnection } from './registry-http.ts'

/** Stands for the schema of an id that the registry does not know; no schema is written so. */
export const UNKNOWN_SCHEMA = 'unknown'

const UNKNOWN_FOR_MS = 60_000
/** Whoever writes random ids into a topic must not fill our memory. */
const REMEMBERED_UNKNOWN_IDS = 10_000
const REMEMBERED_SCHEMAS = 1_000

export interface SchemaRegistryOptions extends RegistryConnection {
  /** Milliseconds that only grow; default: this process's monotonic clock. */
  readonly now?: () => number
}

export interface SubjectVersion {
  readonly id: number
  readonly version: number
  readonly schema: AvroSchema
}

export class SchemaRegistryClient {
  readonly #connection: RegistryConnection
  readonly #now: () => number
  readonly #schemas = new Map<number, AvroSchema>()
  /** Id -> when it was asked; oldest first. */
  readonly #unknown = new Map<number, number>()
  readonly #lookups = new Map<number, Promise<AvroSchema>>()

  constructor({ now = () => performance.now(), ...connection }: SchemaRegistryOptions) {
    this.#connection = connection
    this.#now = now
  }

  /** What is known without asking, maybe UNKNOWN_SCHEMA; undefined: call `lookUp`. */
  schemaOf(id: number): AvroSchema | undefined {
    const schema = this.#schemas.get(id)
    if (schema !== undefined) return schema
    const askedAt = this.#unknown.get(id)
    return askedAt !== undefined && this.#now() - askedAt < UNKNOWN_FOR_MS
      ? UNKNOWN_SCHEMA
      : undefined
  }

  /**
   * The schema or UNKNOWN_SCHEMA. Asks for what `schemaOf` does not know; concurrent calls for one id share one request. Throws
   * KafkaError: REGISTRY_UNREACHABLE is retryable, and when to ask again is up to the caller.
   */
  async lookUp(id: number): Promise<AvroSchema> {
    const known = this.schemaOf(id)
    if (known !== undefined) return known
    const running = this.#lookups.get(id)
    if (running !== undefined) return running
    const lookup = this.#find(id).finally(() => this.#lookups.delete(id))
    this.#lookups.set(id, lookup)
    return lookup
  }

  /** The newest version of `<topic>-value` or the like; undefined when nobody registered one. */
  async latest(subject: string): Promise<SubjectVersion | undefined> {
    const path = ['subjects', subject, 'versions', 'latest']
    const answer = await askRegistry(this.#connection, { method: 'GET', path })
    if (answer.kind === 'missing') return undefined
    const schema = avroSchemaIn(answer.body)
    if (schema === undefined) {
      throw new KafkaError(
        'REGISTRY_REFUSED',
        `Subject '${subject}' holds a schema that is not self-contained Avro; register an Avro schema under it`,
      )
    }
    const [id, version] = [integerIn(answer.body, 'id'), integerIn(answer.body, 'version')]
    this.#remember(id, schema)
    return { id, version, schema }
  }

  /** The newest schema id of a subject; what an encoder writes into the header. */
  async latestId(subject: string): Promise<number | undefined> {
    return (await this.latest(subject))?.id
  }

  /**
   * Registers (again: the same id) under the rule given. Throws KafkaError SCHEMA_INCOMPATIBLE with
   * the registry's reason.
   */
  async register(
    subject: string,
    schema: AvroSchema,
    compatibility: Compatibility,
  ): Promise<number> {
    // The rule first, so that it judges this version; registries take it for new subjects too.
    await askRegistry(this.#connection, {
      method: 'PUT',
      path: ['config', subject],
      body: { compatibility },
    })
    const path = ['subjects', subject, 'versions']
    const body = { schema: JSON.stringify(schema) }
    const answer = await askRegistry(this.#connection, { method: 'POST', path, body })
    if (answer.kind === 'missing') {
      throw new KafkaError(
        'REGISTRY_REFUSED',
        `Subject '${subject}' was refused: ${answer.message}`,
      )
    }
    const id = integerIn(answer.body, 'id')
    this.#remember(id, schema)
    return id
  }

  async #find(id: number): Promise<AvroSchema> {
    const path = ['schemas', 'ids', id]
    const answer = await askRegistry(this.#connection, { method: 'GET', path })
    const schema = answer.kind === 'missing' ? undefined : avroSchemaIn(answer.body)
    if (schema === undefined) return this.#rememberUnknown(id)
    this.#remember(id, schema)
    return schema
  }

  #remember(id: number, schema: AvroSchema): void {
    this.#schemas.set(id, schema)
    dropOldest(this.#schemas, REMEMBERED_SCHEMAS)
  }

  #rememberUnknown(id: number): AvroSchema {
    this.#unknown.delete(id)
    this.#unknown.set(id, this.#now())
    dropOldest(this.#unknown, REMEMBERED_UNKNOWN_IDS)
    return UNKNOWN_SCHEMA
  }
}

/** A map keeps the order in which its keys came. */
const dropOldest = (map: Map<number, unknown>, limit: number): void => {
  if (map.size <= limit) return
  const [oldest] = map.keys()
  if (oldest !== undefined) map.delete(oldest)
}

const fieldOf = (body: unknown, name: string): unknown =>
  typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined

/** Undefined for another type of schema (`schemaType` is left out for Avro) and for broken ones. */
const avroSchemaIn = (body: unknown): AvroSchema | undefined => {
  const [type, text] = [fieldOf(body, 'schemaType') ?? 'AVRO', fieldOf(body, 'schema')]
  if (typeof text !== 'string') {
    throw new KafkaError('REGISTRY_REFUSED', 'The schema registry sent a schema without text')
  }
  if (type !== 'AVRO') return undefined
  try {
    return JSON.parse(text) as AvroSchema
  } catch {
    return undefined
  }
}

const integerIn = (body: unknown, name: string): number => {
  const value = fieldOf(body, name)
  if (typeof value === 'number' && Number.isInteger(value)) return value
  throw new KafkaError('REGISTRY_REFUSED', `The schema registry's answer has no integer '${name}'`)
}
