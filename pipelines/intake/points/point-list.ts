/** The points of a request, to be written. Its lists are used again for the next one. */
import { BadInput } from '../bad-input.ts'
import type { PreparedSeries } from './prepared-series.ts'

/** What Kafka adds to a record. */
const RECORD_BYTES = 20
/** Of one request: a histogram of 60 bytes may be fifty points. */
const MAX_BYTES = 128 * 1024 * 1024

export class PointList {
  count = 0
  sizeBytes = 0
  series: PreparedSeries[] = []
  timestampsMs = new Float64Array(1_024)
  values = new Float64Array(1_024)

  clear(): void {
    this.count = 0
    this.sizeBytes = 0
    this.series = []
  }

  /** @throws BadInput when it is more than any request may come to */
  add(series: PreparedSeries, timestampMs: number, value: number): void {
    if (this.sizeBytes > MAX_BYTES) {
      throw new BadInput('body', null, `a request of at most ${String(MAX_BYTES)} bytes of points`)
    }
    if (this.count === this.values.length) this.#grow()
    this.series.push(series)
    this.timestampsMs[this.count] = timestampMs
    this.values[this.count] = value
    this.count += 1
    this.sizeBytes += series.sizeBytes + RECORD_BYTES
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
