/** What the input implies, computed from the input alone: a run whose answer differs counts for nothing. */
import {
  ALPHA,
  LEAST_VARIANCE,
  LIMIT_Z,
  START_MS,
  timestampOf,
  valuesOf,
  WARM_UP_POINTS,
  WINDOW_MS,
  type PointsOptions,
} from './workload.ts'

export interface Expected {
  /** Windows that a later point of their series closes. */
  readonly windows: number
  readonly deviations: number
}

export const expectedOf = ({ records, series }: PointsOptions): Expected => ({
  windows: closedWindows({ records, series }),
  deviations: deviationsOf({ records, series }),
})

const closedWindows = ({ records, series }: PointsOptions): number => {
  let windows = 0
  for (let first = 0; first < Math.min(series, records); first++) {
    const points = Math.floor((records - 1 - first) / series) + 1
    const lastMs = timestampOf((points - 1) * series, series)
    windows += Math.floor((lastMs - START_MS) / WINDOW_MS)
  }
  return windows
}

const deviationsOf = ({ records, series }: PointsOptions): number => {
  const values = valuesOf({ records, series })
  const mean = new Float64Array(series)
  const variance = new Float64Array(series)
  let deviations = 0
  for (let record = 0; record < records; record++) {
    const id = record % series
    const points = Math.floor(record / series)
    const value = values[record]!
    const distance = value - mean[id]!
    const z = points < WARM_UP_POINTS ? 0 : distance / Math.sqrt(variance[id]! + LEAST_VARIANCE)
    if (Math.abs(z) > LIMIT_Z) {
      deviations += 1
    } else if (points === 0) {
      mean[id] = value
    } else {
      mean[id]! += ALPHA * distance
      variance[id] = (1 - ALPHA) * (variance[id]! + distance * ALPHA * distance)
    }
  }
  return deviations
}
