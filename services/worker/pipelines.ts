/** The pipelines of the product, in the order in which data flows. */
import { anomalies } from '../../pipelines/anomalies/pipeline.ts'
import { rollups } from '../../pipelines/rollups/pipeline.ts'
import type { Pipeline } from '../../pipelines/runtime/index.ts'

export const allPipelines: readonly Pipeline[] = [rollups, anomalies]
