/** The classic three-sigma rule: as `zscore`, raising its alarm at 3 standard deviations. */

import { deviationDetector } from './zscore.ts'

export const threeSigma = deviationDetector({
  name: 'three-sigma',
  version: 1,
  code: 3,
  thresholds: [Number.POSITIVE_INFINITY, 3, 4, 5],
})
