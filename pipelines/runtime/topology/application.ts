/**
 * The same pipeline under another application id: own state, own outputs, nothing shared but inputs.
 *
 * The default application writes the product's topics. Any other one is a shadow: its output and
 * internal topics begin with its id, so that a candidate can run beside what is in use.
 */

import type { Pipeline } from './define-pipeline.ts'

export const DEFAULT_APPLICATION_ID = 'millrace'

export const forApplication = (pipeline: Pipeline, applicationId: string): Pipeline =>
  applicationId === DEFAULT_APPLICATION_ID
    ? pipeline
    : {
        ...pipeline,
        name: `${applicationId}.${pipeline.name}`,
        outputs: Object.fromEntries(
          Object.entries(pipeline.outputs).map(([name, topic]) => [
            name,
            { ...topic, name: `${applicationId}.${topic.name}` },
          ]),
        ),
      }
