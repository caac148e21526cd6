/**
 * May a schema follow the versions registered before it? The registry enforces the same rule when
 * a version is registered; asked here first so that a plan can say no before anything is changed.
 */
import avro from 'avsc'
import type { AvroSchema, Compatibility } from '../../schemas/topic.ts'

export interface RegisteredVersion {
  readonly version: number
  readonly id: number
  readonly schema: AvroSchema
}

/** Why not, or null. Transitive: against every version, since retention may hold any of them. */
export const incompatibility = (
  next: AvroSchema,
  versions: readonly RegisteredVersion[],
  rule: Compatibility,
): string | null => {
  const nextType = typeOf(next)
  for (const { version, schema } of versions) {
    const oldType = typeOf(schema)
    const backward = unreadable(nextType, oldType)
    if (backward !== null) {
      return `the new schema cannot read records of version ${String(version)}: ${backward}`
    }
    if (rule === 'BACKWARD_TRANSITIVE') continue
    const forward = unreadable(oldType, nextType)
    if (forward !== null) {
      return `version ${String(version)} cannot read records of the new schema: ${forward}`
    }
  }
  return null
}

/** Same schema, docs included, whatever the order of JSON keys. */
export const sameSchema = (one: AvroSchema, other: AvroSchema): boolean =>
  canonical(one) === canonical(other)

const typeOf = (schema: AvroSchema): avro.Type => avro.Type.forSchema(schema as avro.Schema)

const unreadable = (reader: avro.Type, writer: avro.Type): string | null => {
  try {
    reader.createResolver(writer)
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const canonical = (schema: unknown): string =>
  JSON.stringify(schema, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
