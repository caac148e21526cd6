/**
 * Joins points with the band they were judged against: the newest baseline published before the
 * point (a value is never judged by a baseline that has already learned from it).
 */
export interface Timed {
  readonly at_ms: number
}

/** Both lists ascend in time. Each point gets the last of `bands` that is older than it. */
export const withBand = <Point extends Timed, Band extends Timed>(
  points: readonly Point[],
  bands: readonly Band[],
): { readonly point: Point; readonly band: Band | undefined }[] => {
  let passed = 0
  return points.map((point) => {
    while (passed < bands.length && isOlder(bands[passed], point)) passed += 1
    return { point, band: bands[passed - 1] }
  })
}

const isOlder = (band: Timed | undefined, point: Timed): boolean =>
  band !== undefined && band.at_ms < point.at_ms
