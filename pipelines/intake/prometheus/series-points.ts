/**
 * What stands behind the labels of a TimeSeries, in both versions: samples, native histograms,
 * exemplars.
 */
import { BOUND_TAG, isRefusal, NAME_SUFFIX_TAG, TYPE_TAG, type Refusal } from './labels.ts'
import { type LabelBytes } from './label-bytes.ts'
import { METRIC_TYPES } from './metadata.ts'
import { readClassicHistogram, type ClassicHistogram } from './native-histogram.ts'
import type { PreparedSeries } from '../points/prepared-series.ts'
import { type ProtobufReader, tagOf, WIRE } from './protobuf.ts'
import type { RequestPoints } from './request-points.ts'
import type { BytesWithView, TenantSeries } from './series-cache.ts'

/** The versions number two fields of a TimeSeries differently. */
export interface SeriesTags {
  readonly histogram: number
  readonly exemplar: number
}

/** The labels in [start, end) of `source`, in the form of `labels.ts`. */
export interface SeriesName {
  readonly source: BytesWithView
  readonly start: number
  readonly end: number
}

const SAMPLE = tagOf(2, WIRE.bytes)
const SAMPLE_VALUE = tagOf(1, WIRE.fixed64)
const SAMPLE_TIMESTAMP = tagOf(2, WIRE.varint)

export class SeriesPoints {
  readonly #points: RequestPoints
  readonly #latestMs: number
  readonly #known: TenantSeries
  readonly #part: LabelBytes
  /** The sample at hand. */
  #timestampMs = 0
  #value = 0
  #kind: 'number' | 'not-finite' | 'stale' = 'number'

  constructor(options: {
    readonly points: RequestPoints
    readonly known: TenantSeries
    /** Times behind it are refused. */
    readonly latestMs: number
    /** Scratch space. */
    readonly part: LabelBytes
  }) {
    this.#points = options.points
    this.#known = options.known
    this.#latestMs = options.latestMs
    this.#part = options.part
  }

  /** Reads from the reader's position to the end of the TimeSeries. */
  read(reader: ProtobufReader, end: number, name: SeriesName | Refusal, tags: SeriesTags): void {
    const { tally } = this.#points
    let series: PreparedSeries | Refusal | undefined
    let histogramName: SeriesName | Refusal = name
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag === SAMPLE) {
        tally.samples += 1
        this.#readSample(reader, reader.enter(end))
        if (this.#kind === 'number') {
          series ??= isRefusal(name) ? name : this.#known.find(name.source, name.start, name.end)
          this.#addSample(series)
        } else if (this.#kind === 'stale') tally.staleMarkers += 1
        else tally.notFinite += 1
      } else if (tag === tags.histogram) {
        tally.histograms += 1
        // What refuses one refuses those behind it: their labels are the same, and long ones cost.
        histogramName = this.#readHistogram(reader, reader.enter(end), histogramName)
      } else {
        if (tag === tags.exemplar) tally.exemplars += 1
        reader.skip(tag, end)
      }
    }
  }

  #readSample(reader: ProtobufReader, end: number): void {
    this.#value = 0
    this.#timestampMs = 0
    this.#kind = 'number'
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag === SAMPLE_VALUE) {
        // Before the bits become a number, which need not keep them.
        if (reader.isNotFinite(end)) this.#kind = reader.isStaleMarker(end) ? 'stale' : 'not-finite'
        this.#value = reader.double(end)
      } else if (tag === SAMPLE_TIMESTAMP) this.#timestampMs = reader.signed(end)
      else reader.skip(tag, end)
    }
  }

  #addSample(series: PreparedSeries | Refusal): void {
    if (isRefusal(series)) {
      this.#points.refuse('sample', series.reason)
      return
    }
    const fault = this.#timeFault(this.#timestampMs)
    if (fault !== undefined) this.#points.refuse('sample', fault)
    else this.#points.add(series, this.#timestampMs, this.#value)
  }

  #timeFault(timestampMs: number): string | undefined {
    if (timestampMs >= 0 && timestampMs <= this.#latestMs) return undefined
    return timestampMs < 0
      ? `timestamp ${timestampMs} lies before 1970`
      : `timestamp ${timestampMs} lies ahead of this clock, times up to ${this.#latestMs} are taken`
  }

  /** Answers the name, or why its series are refused. */
  #readHistogram(reader: ProtobufReader, end: number, name: SeriesName | Refusal) {
    const histogram = readClassicHistogram(reader, end)
    if (histogram === 'stale') this.#points.tally.staleMarkers += 1
    else if (isRefusal(histogram)) this.#points.refuse('histogram', histogram.reason)
    else if (isRefusal(name)) this.#points.refuse('histogram', name.reason)
    else return this.#addHistogram(histogram, name) ?? name
    return name
  }

  /** All of it or nothing; answers why its series are refused, if they are. */
  #addHistogram(histogram: ClassicHistogram, name: SeriesName): Refusal | undefined {
    const { timestampMs, isGauge, count, sum, buckets } = histogram
    const type = isGauge ? METRIC_TYPES.gaugeHistogram : METRIC_TYPES.histogram
    const fault = this.#timeFault(timestampMs)
    if (fault !== undefined) {
      this.#points.refuse('histogram', fault)
      return undefined
    }
    const values = [
      { suffix: '_count', le: undefined, value: count },
      ...buckets.map(({ le, count: value }) => ({ suffix: '_bucket', le, value })),
      { suffix: '_bucket', le: '+Inf', value: count },
    ]
    if (Number.isFinite(sum)) values.push({ suffix: '_sum', le: undefined, value: sum })
    else this.#points.tally.notFinite += 1
    const all: (readonly [series: PreparedSeries, value: number])[] = []
    for (const { suffix, le, value } of values) {
      const series = this.#partOf(name, { suffix, le, type })
      if (isRefusal(series)) {
        this.#points.refuse('histogram', series.reason)
        return series
      }
      all.push([series, value])
    }
    for (const [series, value] of all) this.#points.add(series, timestampMs, value)
    return undefined
  }

  #partOf({ source, start, end }: SeriesName, { suffix, le, type }: HistogramPart) {
    const part = this.#part
    part.clear()
    part.copy(source.bytes, start, end)
    part.text(NAME_SUFFIX_TAG, suffix)
    part.text(TYPE_TAG, type)
    if (le !== undefined) part.text(BOUND_TAG, le)
    return this.#known.find(part, 0, part.length)
  }
}

interface HistogramPart {
  readonly suffix: string
  readonly le: string | undefined
  readonly type: string
}
