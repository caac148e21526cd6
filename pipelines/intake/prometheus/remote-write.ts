/**
 * A body of remote_write to points. https://prometheus.io/docs/specs/prw/remote_write_spec/ (1.0) and
 * https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
 *
 * R1: nothing is made of a body that is no such message; what is wrong with one series or one sample
 *     refuses that one only, and is counted and said.
 * R2: what a healthy Prometheus sends is not refused: markers of the end of a series, and values that
 *     are NaN or infinite (quantiles of an idle target), are counted and passed over.
 * R3: labels come in the form of `labels.ts`: of 1.0 as they stand in the message, of 2.0 put
 *     together from its symbols. Both versions find the same series.
 */
import type { Arrival } from '../arrival.ts'
import { MAX_AHEAD_MS } from '../event-time.ts'
import { LABEL_TAG, TYPE_TAG, UNIT_TAG, type Refusal } from './labels.ts'
import { LabelBytes } from './label-bytes.ts'
import { ProtobufError, ProtobufReader, tagOf, WIRE } from './protobuf.ts'
import { RequestPoints } from './request-points.ts'
import type { SeriesCache } from './series-cache.ts'
import { SeriesPoints, type SeriesName, type SeriesTags } from './series-points.ts'
import { Symbols } from './symbols.ts'

export type RemoteWriteVersion = '1.0' | '2.0'

export interface RemoteWriteRequest extends Arrival {
  readonly version: RemoteWriteVersion
  /** Unpacked. */
  readonly body: Buffer
}

/** prometheus.WriteRequest */
const V1 = {
  series: tagOf(1, WIRE.bytes),
  metadata: tagOf(3, WIRE.bytes),
  tags: { exemplar: tagOf(3, WIRE.bytes), histogram: tagOf(4, WIRE.bytes) } satisfies SeriesTags,
}
/** io.prometheus.write.v2.Request */
const V2 = {
  symbol: tagOf(4, WIRE.bytes),
  series: tagOf(5, WIRE.bytes),
  packedRefs: tagOf(1, WIRE.bytes),
  oneRef: tagOf(1, WIRE.varint),
  metadata: tagOf(5, WIRE.bytes),
  type: tagOf(1, WIRE.varint),
  unitRef: tagOf(4, WIRE.varint),
  tags: { histogram: tagOf(3, WIRE.bytes), exemplar: tagOf(4, WIRE.bytes) } satisfies SeriesTags,
}
/** Of the labels of all series of a 2.0 request, put together: a reference of one byte may stand for 30 kB. */
const MAX_LABELS_BYTES = 64 * 1024 * 1024
/** A longer one is no unit. */
const MAX_UNIT_BYTES = 64

export class RemoteWriteDecoder {
  readonly #cache: SeriesCache
  readonly #points = new RequestPoints()
  readonly #symbols = new Symbols()
  readonly #labels = new LabelBytes()
  readonly #part = new LabelBytes()
  /** Of the 2.0 series at hand. */
  readonly #refs: number[] = []
  /** Of the request at hand. */
  #labelsBytes = 0
  #unitRef = 0
  #type = 0

  constructor(cache: SeriesCache) {
    this.#cache = cache
  }

  /**
   * What it answers is good until the next call.
   *
   * @throws ProtobufError for a body that is no such message
   */
  decode({ version, body, ...arrival }: RemoteWriteRequest): RequestPoints {
    const points = this.#points
    points.clear()
    const known = this.#cache.of(arrival)
    const latestMs = arrival.receivedAtMs + MAX_AHEAD_MS
    const into = new SeriesPoints({ points, known, latestMs, part: this.#part })
    const reader = new ProtobufReader(body)
    if (version === '1.0') this.#readVersion1(reader, into)
    else this.#readVersion2(reader, into)
    return points
  }

  #readVersion1(reader: ProtobufReader, into: SeriesPoints): void {
    const end = reader.bytes.length
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag === V1.series) this.#readSeries1(reader, reader.enter(end), into)
      else {
        // Unknown fields mean nothing; but these would be a request that is lost in silence.
        if (tag === V2.symbol || tag === V2.series) throw otherVersion('2.0')
        if (tag === V1.metadata) this.#points.tally.metadataApart += 1
        reader.skip(tag, end)
      }
    }
  }

  #readSeries1(reader: ProtobufReader, end: number, into: SeriesPoints): void {
    const start = reader.at
    while (reader.at < end && reader.bytes[reader.at] === LABEL_TAG)
      reader.skip(reader.tag(end), end)
    const labelsEnd = reader.at
    const name = hasLabel(reader, end)
      ? this.#gathered(reader, start, end)
      : { source: reader, start, end: labelsEnd }
    reader.at = labelsEnd
    into.read(reader, end, name, V1.tags)
  }

  /** Labels that do not stand together, in front of all else, as every known sender has them. */
  #gathered(reader: ProtobufReader, start: number, end: number): SeriesName {
    const labels = this.#labels
    labels.clear()
    reader.at = start
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag !== LABEL_TAG) {
        reader.skip(tag, end)
        continue
      }
      const lengthStart = reader.at
      reader.at = reader.enter(end)
      labels.field(LABEL_TAG, reader.bytes, lengthStart, reader.at)
    }
    return { source: labels, start: 0, end: labels.length }
  }

  #readVersion2(reader: ProtobufReader, into: SeriesPoints): void {
    const end = reader.bytes.length
    const seriesStarts: number[] = []
    const symbols = this.#symbols
    symbols.clear()
    this.#labelsBytes = 0
    while (reader.at < end) {
      const tag = reader.tag(end)
      const start = reader.at
      reader.skip(tag, end)
      if (tag === V2.symbol) symbols.add(start, reader.at)
      else if (tag === V2.series) seriesStarts.push(start)
      else if (tag === V1.series) throw otherVersion('1.0')
    }
    if (seriesStarts.length === 0) return
    if (symbols.count === 0 || reader.bytes[symbols.startOf(0)] !== 0) {
      throw new ProtobufError('the first symbol is not the empty text')
    }
    for (const start of seriesStarts) {
      reader.at = start
      this.#readSeries2(reader, reader.enter(end), into)
    }
  }

  #readSeries2(reader: ProtobufReader, end: number, into: SeriesPoints): void {
    const start = reader.at
    const refs = this.#refs
    refs.length = 0
    this.#unitRef = 0
    this.#type = 0
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag === V2.packedRefs) {
        const refsEnd = reader.enter(end)
        while (reader.at < refsEnd) refs.push(reader.unsigned(refsEnd))
      } else if (tag === V2.oneRef) refs.push(reader.unsigned(end))
      else if (tag === V2.metadata) this.#readMetadata(reader, reader.enter(end))
      else reader.skip(tag, end)
    }
    reader.at = start
    into.read(reader, end, this.#named(reader), V2.tags)
  }

  #readMetadata(reader: ProtobufReader, end: number): void {
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag === V2.type) this.#type = reader.unsigned(end)
      else if (tag === V2.unitRef) this.#unitRef = reader.unsigned(end)
      else reader.skip(tag, end)
    }
  }

  /** R3 */
  #named({ bytes }: ProtobufReader): SeriesName | Refusal {
    const refs = this.#refs
    const symbols = this.#symbols
    const labels = this.#labels
    labels.clear()
    if (refs.length % 2 !== 0) return { reason: 'labels_refs has an odd number of references' }
    for (let at = 0; at < refs.length; at += 2) {
      const name = refs[at]!
      const value = refs[at + 1]!
      const largest = Math.max(name, value)
      if (largest >= symbols.count) return { reason: noSymbol(largest, symbols.count) }
      labels.label(
        bytes,
        symbols.startOf(name),
        symbols.endOf(name),
        symbols.startOf(value),
        symbols.endOf(value),
      )
    }
    const unit = this.#unitRef
    if (unit >= symbols.count) return { reason: noSymbol(unit, symbols.count) }
    const unitBytes = symbols.endOf(unit) - symbols.startOf(unit) - 1
    if (unitBytes > 0 && unitBytes <= MAX_UNIT_BYTES) {
      labels.field(UNIT_TAG, bytes, symbols.startOf(unit), symbols.endOf(unit))
    }
    if (this.#type > 0 && this.#type < 10) labels.text(TYPE_TAG, String(this.#type))
    this.#labelsBytes += labels.length
    if (this.#labelsBytes > MAX_LABELS_BYTES) {
      throw new ProtobufError(`the labels of its series take more than ${MAX_LABELS_BYTES} bytes`)
    }
    return { source: labels, start: 0, end: labels.length }
  }
}

const noSymbol = (reference: number, count: number): string =>
  `reference to symbol ${reference}, there are ${count}`

const otherVersion = (version: RemoteWriteVersion): ProtobufError =>
  new ProtobufError(`it is a request of version ${version}, and Content-Type says another one`)

/** Whether a label stands between the reader's position and the end. */
const hasLabel = (reader: ProtobufReader, end: number): boolean => {
  while (reader.at < end) {
    const tag = reader.tag(end)
    if (tag === LABEL_TAG) return true
    reader.skip(tag, end)
  }
  return false
}
