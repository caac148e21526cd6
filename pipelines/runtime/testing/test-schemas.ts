import type { AvroSchema, Topic } from '../../../schemas/topic.ts'
import { avroTypeOf } from '../avro/avro-type.ts'
import { RecordEncoder } from '../avro/record-codec.ts'
import type { SchemaSource } from '../task/record-values.ts'
import type { Pipeline } from '../topology/define-pipeline.ts'
import { internalTopics } from '../topology/internal-topics.ts'

/** Schema ids as a registry would give them; it holds versions of a changelog to FULL_TRANSITIVE. */
export class TestSchemas implements SchemaSource {
  readonly #schemas: AvroSchema[] = []
  /** Ids of a topic's versions by schema text. */
  readonly #versions = new Map<string, Map<string, number>>()
  readonly #encoders = new Map<string, RecordEncoder<unknown>>()

  schemaOf(id: number): AvroSchema | 'unknown' {
    return this.#schemas[id - 1] ?? 'unknown'
  }

  encode<Value extends object>(topic: Topic<Value>, value: Value): Buffer {
    let encoder = this.#encoders.get(topic.name) as RecordEncoder<Value> | undefined
    if (encoder === undefined) {
      const schemaId = this.#idOf(topic.name, topic.schema)
      encoder = new RecordEncoder<Value>({ schema: topic.schema, schemaId })
      this.#encoders.set(topic.name, encoder)
    }
    return Buffer.from(encoder.encode(value))
  }

  idOfInternal(pipeline: Pipeline, topic: string): number {
    const own = internalTopics(pipeline).find(({ name }) => name === topic)
    const output = Object.values(pipeline.outputs).find(({ name }) => name === topic)
    const schema = own?.schema ?? output?.schema
    if (schema === undefined) throw new Error(`No schema for ${topic}`)
    return this.#idOf(topic, schema, own?.kind === 'changelog')
  }

  #idOf(topic: string, schema: AvroSchema, full = false): number {
    let versions = this.#versions.get(topic)
    if (versions === undefined) this.#versions.set(topic, (versions = new Map<string, number>()))
    const text = JSON.stringify(schema)
    let id = versions.get(text)
    if (id === undefined) {
      for (const other of full ? versions.values() : []) {
        const [one, another] = [avroTypeOf(schema), avroTypeOf(this.schemaOf(other))]
        one.createResolver(another)
        another.createResolver(one)
      }
      id = this.#schemas.push(schema)
      versions.set(text, id)
    }
    return id
  }
}
