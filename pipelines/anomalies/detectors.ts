/** The detectors that rules can choose. A new one is a file in `detectors/` and a line here. */

import type { Detector } from './detector.ts'
import { ewmaRatio, ewmaRatioFields } from './detectors/ewma-ratio.ts'
import { threeSigma } from './detectors/three-sigma.ts'
import { deviationFields, zscore } from './detectors/zscore.ts'

/** What detectors remember of a series, beside its last samples. */
export const memoryFields = { ...deviationFields, ...ewmaRatioFields }
export type MemoryField = keyof typeof memoryFields
export type AnyDetector = Detector<MemoryField>

export const detectors = { zscore, 'ewma-ratio': ewmaRatio, 'three-sigma': threeSigma } as const
export type DetectorName = keyof typeof detectors

const byCode = new Map<number, AnyDetector>(
  Object.values(detectors).map((detector: AnyDetector) => [detector.code, detector]),
)

/** The detector that the state speaks of; undefined for 0, none. */
export const detectorOfCode = (code: number): AnyDetector | undefined => byCode.get(code)
