/**
 * What a request comes to: points to be written, and how many of what was sent are passed over or
 * refused, and why. Its lists are used again for the next request.
 */
import type { PreparedSeries } from './prepared-series.ts'

/** How many reasons an answer tells. */
const MAX_REASONS = 10
/** What Kafka adds to a record. */
const RECORD_BYTES = 20

export interface Tally {
  /** Sent, whatever became of them. */
  samples: number
  histograms: number
  exemplars: number
  metadata: number
  refusedSamples: number
  refusedHistograms: number
  /** Markers that a series has ended, which are no points. */
  staleMarkers: number
  /** Samples and sums of histograms that are NaN or infinite. */
  notFinite: number
}

const emptyTally = (): Tally => ({
  ...{ samples: 0, histograms: 0, exemplars: 0, metadata: 0 },
  ...{ refusedSamples: 0, refusedHistograms: 0, staleMarkers: 0, notFinite: 0 },
})

export class RequestPoints {
  count = 0
  sizeBytes = 0
  tally = emptyTally()
  /** The first ones. */
  reasons: string[] = []
  series: PreparedSeries[] = []
  timestampsMs = new Float64Array(1_024)
  values = new Float64Array(1_024)

  clear(): void {
    this.count = 0
    this.sizeBytes = 0
    this.tally = emptyTally()
    this.reasons = []
    this.series = []
  }

  add(series: PreparedSeries, timestampMs: number, value: number): void {
    if (this.count === this.values.length) this.#grow()
    this.series.push(series)
    this.timestampsMs[this.count] = timestampMs
    this.values[this.count] = value
    this.count += 1
    this.sizeBytes += series.sizeBytes + RECORD_BYTES
  }

  refuse(what: 'sample' | 'histogram', reason: string): void {
    if (what === 'sample') this.tally.refusedSamples += 1
    else this.tally.refusedHistograms += 1
    if (this.reasons.length < MAX_REASONS && !this.reasons.includes(reason))
      this.reasons.push(reason)
  }

  #grow(): void {
    const timestampsMs = new Float64Array(2 * this.values.length)
    const values = new Float64Array(2 * this.values.length)
    timestampsMs.set(this.timestampsMs)
    values.set(this.values)
    this.timestampsMs = timestampsMs
    this.values = values
  }
}
