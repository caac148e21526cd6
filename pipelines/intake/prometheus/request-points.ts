/** What a request comes to: points, and how many of what was sent are passed over or refused, and why. */
import { PointList } from '../points/point-list.ts'

/** How many reasons an answer tells. */
const MAX_REASONS = 10

export interface Tally {
  /** Sent, whatever became of them. */
  samples: number
  histograms: number
  exemplars: number
  /** What 1.0 says of whole families of metrics, in messages of their own. */
  metadataApart: number
  refusedSamples: number
  refusedHistograms: number
  /** Markers that a series has ended, which are no points. */
  staleMarkers: number
  /** Samples and sums of histograms that are NaN or infinite. */
  notFinite: number
}

const emptyTally = (): Tally => ({
  ...{ samples: 0, histograms: 0, exemplars: 0, metadataApart: 0 },
  ...{ refusedSamples: 0, refusedHistograms: 0, staleMarkers: 0, notFinite: 0 },
})

export class RequestPoints extends PointList {
  tally = emptyTally()
  /** The first ones. */
  reasons: string[] = []

  override clear(): void {
    super.clear()
    this.tally = emptyTally()
    this.reasons = []
  }

  refuse(what: 'sample' | 'histogram', reason: string): void {
    if (what === 'sample') this.tally.refusedSamples += 1
    else this.tally.refusedHistograms += 1
    if (this.reasons.length < MAX_REASONS && !this.reasons.includes(reason))
      this.reasons.push(reason)
  }
}
