/**
 * The vocabulary of the topic catalogue: what a topic is, independent of any client library.
 *
 * Everything downstream (runtime, sink, gateway, docs) derives its behaviour from these
 * declarations, so a fact about a topic is written exactly once.
 */

/** JSON form of an Avro schema, as it stands in the .avsc file. */
export type AvroSchema = string | AvroSchema[] | { readonly [key: string]: unknown }

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number

/** Microseconds since 1970-01-01T00:00:00Z; exact until the year 2255. */
export type EpochUs = number

/** A decimal as it stands in a record; decimal.ts turns it into a number to calculate with. */
export type DecimalBytes = Buffer

/** Compatibility rule the registry enforces for a topic's value schema. */
export type Compatibility = 'BACKWARD_TRANSITIVE' | 'FULL_TRANSITIVE'

/** How long a topic keeps records. `-1` means for ever. */
export interface Retention {
  /** `compact,delete`: latest per key, and that only for `ms`: derived state of series that ended. */
  readonly cleanup: 'delete' | 'compact' | 'compact,delete'
  readonly ms: number
  /** Per partition, as Kafka counts it. */
  readonly bytes: number
}

/** Where the event time stands in a record, and in which unit. */
export interface EventTime<Value> {
  readonly field: Extract<keyof Value, string>
  readonly unit: 'ms' | 'us'
}

export interface Topic<Value = unknown> {
  readonly name: string
  /** One sentence for people: shown in `topics list` and the AsyncAPI document. */
  readonly summary: string
  readonly schema: AvroSchema
  /** The canonical record key of a value; UTF-8. The partition is murmur2(key) mod partitions. */
  readonly keyOf: (value: Value) => string
  /** The tenant of a value; every record has one. */
  readonly tenantOf: (value: Value) => string
  readonly eventTime: EventTime<Value>
  /** Numeric fields in which NaN and infinities are refused as bad data. */
  readonly finiteFields: readonly Extract<keyof Value, string>[]
  /** `spread`: as many as the installation uses for data topics (local 4, production 24). */
  readonly partitions: 'spread' | number
  readonly retention: Retention
  readonly compatibility: Compatibility
  readonly owner: string
  /** The key in words, for producers in other languages. */
  readonly keyText: string
  /** Who writes it, seen from Millrace: others (`in`), its pipelines (`out`), or both. */
  readonly flow: 'in' | 'out' | 'both'
}

/** A topic of which only the declaration is of interest, not the type of its values. */
export type AnyTopic = Topic<never>

/** The separator inside composite keys: U+001F, which no identifier needs. */
export const KEY_SEPARATOR = '\u001f'

/** Identity helper that infers and checks a topic declaration. */
export const defineTopic = <Value>(topic: Topic<Value>): Topic<Value> => topic
