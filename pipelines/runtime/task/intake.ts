/**
 * The door of a task for data: whose record is it, is it good, is it ours?
 *
 * The common record costs one hash of its key (for partition check and lookup alike) and a partial
 * decode. A key is compared with what tenant, name and labels say only when it is first seen: from
 * then on equal bytes mean the same key.
 */

import { SchemaError } from '../../../schemas/errors.ts'
import type { AnyTopic } from '../../../schemas/topic.ts'
import { MAX_KEY_BYTES } from '../stores/key-table.ts'
import { murmur2, murmur2In, toPartition, type RecordSet } from '../record/index.ts'
import type { KeySpace } from './key-space.ts'
import { RecordValues, type Refusal, type SchemaSource } from './record-values.ts'
import type { TaskInput } from './task-inputs.ts'
import { tenantFault, type TenantClocks } from './tenant-clocks.ts'

/**
 * - `here`: process it under `keyId`
 * - `elsewhere`: send it to `target`
 * - `refused`: dead letter with `refusal`
 * - `over-limit`: a new key beyond the limit, counted
 * - `schema-missing`: nothing happened; ask again when `missingSchemaId` is known
 */
export type IntakeOutcome = 'here' | 'elsewhere' | 'refused' | 'over-limit' | 'schema-missing'

interface Source {
  readonly input: TaskInput
  readonly isKeyedAsNeeded: boolean
  readonly values: RecordValues
  readonly eventTimeField: string
  readonly eventTimeToMs: number
  readonly finiteFields: readonly string[]
}

export class Intake {
  keyId = -1
  readonly record = { input: '', value: {} as object, eventTimeMs: 0 }
  refusal: Refusal = { reason: 'rejected', detail: '' }
  missingSchemaId = -1
  target: { key: Buffer; partition: number } = { key: Buffer.alloc(0), partition: 0 }

  readonly #partition: number
  readonly #partitions: number
  readonly #keySpace: KeySpace
  readonly #tenants: TenantClocks
  readonly #schemas: SchemaSource
  readonly #aheadToleranceMs: number
  readonly #sources = new Map<TaskInput, Source>()
  #lastSource: Source | undefined
  /** The key of the record before. */
  #lastFound = -1

  constructor(options: {
    readonly partition: number
    readonly partitions: number
    readonly keySpace: KeySpace
    readonly tenants: TenantClocks
    readonly schemas: SchemaSource
    readonly aheadToleranceMs: number
  }) {
    this.#partition = options.partition
    this.#partitions = options.partitions
    this.#keySpace = options.keySpace
    this.#tenants = options.tenants
    this.#schemas = options.schemas
    this.#aheadToleranceMs = options.aheadToleranceMs
  }

  take(input: TaskInput, record: RecordSet): IntakeOutcome {
    const source = this.#sourceOf(input)
    if (source.isKeyedAsNeeded && record.keyStart >= 0) {
      this.keyId = this.#find(record)
      if (this.keyId >= 0) {
        const outcome = source.values.read(record)
        return outcome === 'ok' ? this.#check(input, record, source) : this.#fail(source, outcome)
      }
    }
    return this.#firstSight(input, record, source)
  }

  /** The id of a known key, or -1. A known key is of our partition. */
  #find({ view, keyStart, keyEnd }: RecordSet): number {
    const { keys } = this.#keySpace
    const before = this.#lastFound
    if (before >= 0) {
      const next = keys.findAfter(before, view, keyStart, keyEnd)
      if (next >= 0) {
        this.#lastFound = next
        return next
      }
    }
    const id = keys.find(murmur2In(view, keyStart, keyEnd), view, keyStart, keyEnd)
    if (id < 0) return id
    if (before >= 0) keys.noteAfter(before, id)
    this.#lastFound = id
    return id
  }

  /** A key not seen yet, or not ours, or none: the whole value tells. */
  #firstSight(input: TaskInput, record: RecordSet, source: Source): IntakeOutcome {
    const outcome = source.values.readWhole(record)
    if (outcome !== 'ok') return this.#fail(source, outcome)
    const checked = this.#check(input, record, source)
    if (checked !== 'here') return checked
    const { value } = source.values
    const tenant = input.keyed?.topic.tenantOf(value) ?? ''
    const key = this.#canonicalKey(input, value, tenant)
    if (key === undefined) return 'refused'
    const hash = murmur2(key)
    const partition = toPartition(hash, this.#partitions)
    const keyed =
      record.keyStart >= 0 && key.equals(record.buffer.subarray(record.keyStart, record.keyEnd))
    const placed = keyed && partition === this.#partition
    if (!placed || !source.isKeyedAsNeeded) {
      this.target = { key, partition }
      return 'elsewhere'
    }
    if (!this.#keySpace.hasRoomFor(key) || !this.#tenants.hasRoomFor(tenant)) return 'over-limit'
    this.keyId = this.#keySpace.add({
      hash,
      bytes: key,
      start: 0,
      end: key.length,
      tenant: this.#tenants.indexOf(tenant),
    })
    return 'here'
  }

  #canonicalKey(input: TaskInput, value: object, tenant: string): Buffer | undefined {
    const key = keyOrFault(input, value)
    const fault = typeof key === 'string' ? key : (tenantFault(tenant) ?? keyFault(key))
    if (typeof key !== 'string' && fault === undefined) return key
    this.refusal = { reason: 'invalid-key', detail: fault ?? '' }
    return undefined
  }

  /** Event time and numbers within bounds; sets `record`. */
  #check(input: TaskInput, record: RecordSet, source: Source): IntakeOutcome {
    const value = source.values.value
    const eventTimeMs = (value[source.eventTimeField] as number) * source.eventTimeToMs
    if (!(eventTimeMs >= 0)) {
      const detail = `${source.eventTimeField} is ${eventTimeMs} ms since 1970`
      this.refusal = { reason: 'event-time-before-1970', detail }
      return 'refused'
    }
    const aheadMs = eventTimeMs - record.timestampMs
    if (aheadMs > this.#aheadToleranceMs) {
      const detail =
        `${source.eventTimeField} is ${aheadMs} ms ahead of the arrival; ` +
        `at most ${this.#aheadToleranceMs} ms are taken`
      this.refusal = { reason: 'event-time-ahead', detail }
      return 'refused'
    }
    for (const field of source.finiteFields) {
      const number = value[field]
      if (typeof number === 'number' && !Number.isFinite(number)) {
        this.refusal = { reason: 'non-finite-value', detail: `${field} is ${number}` }
        return 'refused'
      }
    }
    this.record.input = input.name
    this.record.value = value
    this.record.eventTimeMs = eventTimeMs
    return 'here'
  }

  #fail({ values }: Source, outcome: 'refused' | 'schema-missing'): IntakeOutcome {
    if (outcome === 'refused') this.refusal = values.refusal
    else this.missingSchemaId = values.missingSchemaId
    return outcome
  }

  /** Inputs come in runs: mostly it is the one of the record before. */
  #sourceOf(input: TaskInput): Source {
    if (this.#lastSource?.input === input) return this.#lastSource
    this.#lastSource = this.#sources.get(input) ?? this.#bind(input)
    return this.#lastSource
  }

  #bind(input: TaskInput): Source {
    const topic = input.keyed?.topic as AnyTopic
    const fields = input.keyed?.kind === 'copartitioned' ? input.keyed.fields : undefined
    const source: Source = {
      input,
      isKeyedAsNeeded: isKeyedAsNeeded(input),
      values: new RecordValues({ topic, fields, schemas: this.#schemas }),
      eventTimeField: topic.eventTime.field,
      eventTimeToMs: topic.eventTime.unit === 'us' ? 1 / 1_000 : 1,
      finiteFields: topic.finiteFields,
    }
    this.#sources.set(input, source)
    return source
  }
}

/** Records may come under the key that the pipeline sees; others always make the detour. */
const isKeyedAsNeeded = (input: TaskInput): boolean =>
  input.kind === 'repartition' || input.keyed?.kind === 'copartitioned'

/** The canonical key of the value, or why it has none. */
const keyOrFault = (input: TaskInput, value: object): Buffer | string => {
  try {
    return Buffer.from(input.keyed?.by(value) ?? '', 'utf8')
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error
    return error.message
  }
}

const keyFault = (key: Buffer): string | undefined =>
  key.length > MAX_KEY_BYTES
    ? `the key has ${key.length} bytes; at most ${MAX_KEY_BYTES} are taken`
    : undefined
