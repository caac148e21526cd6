/** The pipelines of the product, in the order in which data flows. */
import { anomalies } from '../../pipelines/anomalies/pipeline.ts'
import type { ForeignTopic } from '../../pipelines/intake/foreign-records.ts'
import { intake } from '../../pipelines/intake/pipeline.ts'
import { rollups } from '../../pipelines/rollups/pipeline.ts'
import type { Pipeline } from '../../pipelines/runtime/index.ts'

/** Those that write down the order of their inputs, and can be run again by it. */
export const orderedPipelines: readonly Pipeline[] = [rollups, anomalies]

/** What topics of others `intake` reads is configuration; its own topics are the same for any. */
export const allPipelines = (foreignTopics: readonly ForeignTopic[] = []): readonly Pipeline[] => [
  intake(foreignTopics),
  ...orderedPipelines,
]
