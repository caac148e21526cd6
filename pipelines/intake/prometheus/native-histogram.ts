/**
 * Native histograms as the series of a classic one: NAME_count, NAME_sum and NAME_bucket{le}, so that
 * whatever reads classic histograms reads these. https://prometheus.io/docs/specs/native_histograms/
 *
 * Those of exponential buckets are made as OpenTelemetry's are (exponential-buckets.ts). Custom bounds are
 * the ones that the sender chose, and are kept; thinned out where there are too many.
 */
import { cumulativeBuckets, MAX_BUCKETS, type CumulativeBucket } from '../exponential-buckets.ts'
import { type ProtobufReader, tagOf, WIRE } from './protobuf.ts'
import type { Refusal } from './labels.ts'

export interface ClassicHistogram {
  readonly timestampMs: number
  /** Its counts may fall: it tells how things stand, not what there was since a beginning. */
  readonly isGauge: boolean
  readonly count: number
  readonly sum: number
  /** By rising bound, without +Inf, which is `count`. */
  readonly buckets: readonly CumulativeBucket[]
}

const CUSTOM_SCHEMA = -53
const MIN_SCHEMA = -4
const MAX_SCHEMA = 8
/** Of `reset_hint`. */
const GAUGE_HINT = 3

/** Reads the message that begins at the reader's position. `stale` is a marker that the series has ended. */
export const readClassicHistogram = (
  reader: ProtobufReader,
  end: number,
): ClassicHistogram | Refusal | 'stale' => {
  const histogram = readNative(reader, end)
  if (histogram.stale) return 'stale'
  const positive = countsOf(histogram, histogram.positive)
  const negative = countsOf(histogram, histogram.negative)
  if (positive === undefined || negative === undefined) {
    return { reason: 'a native histogram has other counts than its spans say, or negative ones' }
  }
  const below = histogram.zeroCount + sumOf(negative.values())
  const total = below + sumOf(positive.values())
  // Floats may be anything: of what is NaN no comparison holds.
  const isCount = [histogram.count, histogram.zeroCount, total].every((n) => n >= 0 && n < Infinity)
  if (!isCount || (!histogram.isFloat && total > histogram.count)) {
    return {
      reason: `a native histogram of ${histogram.count} observations has ${total} in its buckets`,
    }
  }
  const buckets =
    histogram.schema === CUSTOM_SCHEMA
      ? customBuckets(histogram, positive)
      : exponentialBuckets(histogram, positive, below)
  if (!Array.isArray(buckets)) return buckets
  const { timestampMs, isGauge, count, sum } = histogram
  return { timestampMs, isGauge, count, sum, buckets }
}

// --- the message ------------------------------------------------------------------------------

interface NativeHistogram {
  count: number
  sum: number
  schema: number
  zeroCount: number
  timestampMs: number
  isFloat: boolean
  stale: boolean
  isGauge: boolean
  readonly positive: Side
  readonly negative: Side
  readonly customBounds: number[]
}

/** Of whole numbers of observations the differences are sent, of fractions the counts. */
interface Side {
  /** Offset and length, in turns. */
  readonly spans: number[]
  readonly deltas: number[]
  readonly counts: number[]
}

const emptySide = (): Side => ({ spans: [], deltas: [], counts: [] })

const readNative = (reader: ProtobufReader, end: number): NativeHistogram => {
  const histogram: NativeHistogram = {
    ...{ count: 0, sum: 0, schema: 0, zeroCount: 0, timestampMs: 0 },
    ...{ isFloat: false, isGauge: false, stale: false },
    ...{ positive: emptySide(), negative: emptySide(), customBounds: [] },
  }
  while (reader.at < end) readField(histogram, reader, end)
  return histogram
}

const readField = (histogram: NativeHistogram, reader: ProtobufReader, end: number): void => {
  const tag = reader.tag(end)
  const { positive, negative } = histogram
  switch (tag >>> 3) {
    case 1:
      histogram.count = reader.expect(tag, WIRE.varint).unsigned(end)
      return
    case 2:
      histogram.isFloat = true
      histogram.count = reader.expect(tag, WIRE.fixed64).double(end)
      return
    case 3:
      reader.expect(tag, WIRE.fixed64)
      histogram.stale = reader.isStaleMarker(end)
      histogram.sum = reader.double(end)
      return
    case 4:
      histogram.schema = reader.expect(tag, WIRE.varint).zigzag(end)
      return
    case 6:
      histogram.zeroCount = reader.expect(tag, WIRE.varint).unsigned(end)
      return
    case 7:
      histogram.zeroCount = reader.expect(tag, WIRE.fixed64).double(end)
      return
    case 8:
    case 11:
      readSpan(
        tag >>> 3 === 8 ? negative : positive,
        reader,
        reader.expect(tag, WIRE.bytes).enter(end),
      )
      return
    case 9:
    case 12: {
      const { deltas } = tag >>> 3 === 9 ? negative : positive
      repeated(reader, tag, end, (until) => deltas.push(reader.zigzag(until)))
      return
    }
    case 10:
    case 13: {
      const { counts } = tag >>> 3 === 10 ? negative : positive
      repeated(reader, tag, end, (until) => counts.push(reader.double(until)))
      return
    }
    case 14:
      histogram.isGauge = reader.expect(tag, WIRE.varint).unsigned(end) === GAUGE_HINT
      return
    case 15:
      histogram.timestampMs = reader.expect(tag, WIRE.varint).signed(end)
      return
    case 16:
      repeated(reader, tag, end, (until) => histogram.customBounds.push(reader.double(until)))
      return
    default:
      reader.skip(tag, end)
  }
}

const readSpan = ({ spans }: Side, reader: ProtobufReader, end: number): void => {
  let offset = 0
  let length = 0
  while (reader.at < end) {
    const tag = reader.tag(end)
    if (tag === tagOf(1, WIRE.varint)) offset = reader.zigzag(end)
    else if (tag === tagOf(2, WIRE.varint)) length = reader.unsigned(end)
    else reader.skip(tag, end)
  }
  spans.push(offset, length)
}

/** A list of numbers, packed as proto3 writes it, or one by one as it may. */
const repeated = (
  reader: ProtobufReader,
  tag: number,
  end: number,
  read: (end: number) => void,
): void => {
  if ((tag & 7) !== WIRE.bytes) {
    read(end)
    return
  }
  const until = reader.enter(end)
  while (reader.at < until) read(until)
}

// --- buckets ----------------------------------------------------------------------------------

/** Observations by index of their bucket; undefined where spans and counts contradict each other. */
const countsOf = (
  { isFloat }: NativeHistogram,
  { spans, deltas, counts }: Side,
): ReadonlyMap<number, number> | undefined => {
  const values = isFloat ? counts : runningSums(deltas)
  const byIndex = new Map<number, number>()
  let index = 0
  let taken = 0
  for (let at = 0; at < spans.length; at += 2) {
    index += spans[at]!
    const next = taken + spans[at + 1]!
    if (next > values.length) return undefined
    for (; taken < next; taken++, index++) {
      const count = values[taken]!
      if (!(count >= 0 && count < Infinity)) return undefined
      byIndex.set(index, count)
    }
  }
  return taken === values.length ? byIndex : undefined
}

const runningSums = (deltas: readonly number[]): number[] => {
  let sum = 0
  return deltas.map((delta) => (sum += delta))
}

const sumOf = (counts: Iterable<number>): number => {
  let sum = 0
  for (const count of counts) sum += count
  return sum
}

const exponentialBuckets = (
  { schema }: NativeHistogram,
  counts: ReadonlyMap<number, number>,
  below: number,
): CumulativeBucket[] | Refusal => {
  if (schema < MIN_SCHEMA || schema > MAX_SCHEMA) {
    return { reason: `a native histogram has schema ${schema}; known are -4 to 8, and -53` }
  }
  // Bucket i ends at 2^(i / 2^schema).
  const width = 2 ** -schema
  return cumulativeBuckets(
    [...counts].map(([index, count]) => [index * width, count] as const),
    below,
  )
}

const customBuckets = (
  { customBounds }: NativeHistogram,
  counts: ReadonlyMap<number, number>,
): CumulativeBucket[] | Refusal => {
  const rising = customBounds.every(
    (bound, index) => bound > (customBounds[index - 1] ?? -Infinity),
  )
  const within = [...counts.keys()].every((index) => index >= 0 && index <= customBounds.length)
  if (!rising || !within) {
    return {
      reason: 'a native histogram has custom bounds that do not rise, or counts beyond them',
    }
  }
  const step = Math.ceil(customBounds.length / MAX_BUCKETS)
  const buckets: CumulativeBucket[] = []
  let cumulative = 0
  for (const [index, bound] of customBounds.entries()) {
    cumulative += counts.get(index) ?? 0
    if ((index + 1) % step === 0 && bound < Infinity)
      buckets.push({ le: String(bound), count: cumulative })
  }
  return buckets
}
