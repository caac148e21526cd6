/**
 * A series with everything about its points that does not change: the record key, its partition,
 * and a value whose time and number are written over for each point.
 *
 *   00, schema id | timestamp: zigzag varint | value: double | tenant, name, labels, unit, kind
 *
 * The varint of a time in milliseconds has six bytes from July 1970 to September 2039. A point whose
 * time needs more or fewer moves what is behind it.
 */
import type { MetricPoint } from '../../../schemas/generated/telemetry-metrics.ts'
import type { EpochMs } from '../../../schemas/topic.ts'
import { WIRE_HEADER_BYTES, type RecordEncoder } from '../../runtime/avro/index.ts'
import { murmur2, toPartition } from '../../runtime/record/index.ts'
import type { ByteSlab } from './byte-slab.ts'

/** How points of `telemetry.metrics` are written. */
export interface PointFormat {
  readonly encoder: RecordEncoder<MetricPoint>
  readonly partitions: number
}

export interface NamedSeries extends Omit<MetricPoint, 'timestamp' | 'value'> {
  readonly key: string
}

/**
 * Whether a series may come in is asked when it is first seen, and again in each hour in which it has
 * points: whoever counts the series of a tenant does not see those that are remembered here.
 */
export const hourOf = (ms: EpochMs): number => Math.floor(ms / HOUR_MS)
const HOUR_MS = 3_600_000

const TIMESTAMP_AT = WIRE_HEADER_BYTES
const USUAL_TIMESTAMP_BYTES = 6
/** Zigzag doubles a number. */
const USUAL_FROM_MS = 2 ** 34
const USUAL_TO_MS = 2 ** 41

export class PreparedSeries {
  readonly key: Buffer
  readonly partition: number
  /** In which it was last asked whether it may come in. */
  askedHour: number
  #value: Buffer
  #timestampBytes = USUAL_TIMESTAMP_BYTES

  constructor(
    { tenant, key, name, labels, unit, kind }: NamedSeries,
    { encoder, partitions }: PointFormat,
    { slab, askedHour }: { readonly slab: ByteSlab; readonly askedHour: number },
  ) {
    this.askedHour = askedHour
    this.key = slab.text(key)
    this.partition = toPartition(murmur2(this.key), partitions)
    const usual = { timestamp: USUAL_FROM_MS, value: 0, tenant, name, labels, unit, kind }
    this.#value = slab.copy(encoder.encode(usual))
  }

  /** Key and value. */
  get sizeBytes(): number {
    return this.key.length + this.#value.length
  }

  /** The value of a point, until the next one is asked for. The time is not negative. */
  valueOf(timestampMs: number, value: number): Buffer {
    const usual = timestampMs >= USUAL_FROM_MS && timestampMs < USUAL_TO_MS
    const size = usual ? USUAL_TIMESTAMP_BYTES : zigzagSize(timestampMs)
    if (size !== this.#timestampBytes) this.#resize(size)
    const at = writeZigzag(this.#value, TIMESTAMP_AT, timestampMs)
    this.#value.writeDoubleLE(value, at)
    return this.#value
  }

  #resize(timestampBytes: number): void {
    const tail = this.#value.subarray(TIMESTAMP_AT + this.#timestampBytes)
    this.#value = Buffer.concat([
      this.#value.subarray(0, TIMESTAMP_AT),
      Buffer.alloc(timestampBytes),
      tail,
    ])
    this.#timestampBytes = timestampBytes
  }
}

/** Of what is not negative: twice the number, seven bits a byte. Answers the position behind it. */
const writeZigzag = (bytes: Buffer, start: number, value: number): number => {
  const low = (value % LOW_RANGE) * 2
  const high = Math.floor(value / LOW_RANGE)
  if (high === 0) return writeBits(bytes, start, low)
  bytes[start] = (low & 0x7f) | 0x80
  bytes[start + 1] = ((low >>> 7) & 0x7f) | 0x80
  bytes[start + 2] = ((low >>> 14) & 0x7f) | 0x80
  bytes[start + 3] = (low >>> 21) | 0x80
  return writeBits(bytes, start + 4, high)
}
/** Four bytes hold 28 bits, one of which is the sign. */
const LOW_RANGE = 2 ** 27

const writeBits = (bytes: Buffer, start: number, value: number): number => {
  let at = start
  let left = value
  for (; left > 0x7f; left >>>= 7) bytes[at++] = (left & 0x7f) | 0x80
  bytes[at] = left
  return at + 1
}

const zigzagSize = (value: number): number => {
  let size = 1
  for (let limit = 0x40; value >= limit; limit *= 0x80) size += 1
  return size
}
