/** Deployments of CSV or lines of JSON: as `/ingest/deployment` takes them, under more names. */
import { deployment } from '../../../pipelines/intake/plain/deployment.ts'
import type { DeploymentEvent } from '../../../schemas/generated/telemetry-deployments.ts'
import { telemetryDeployments } from '../../../schemas/topics.ts'
import { membersOf, namedValues, rowOf, Taker } from '../named-values.ts'
import type { FileReader } from '../rows.ts'
import type { ReadContext, ReplaySignal } from '../signal.ts'

export const deploymentsSignal: ReplaySignal<DeploymentEvent> = {
  topic: telemetryDeployments,
  endings: ['.csv', '.jsonl', '.ndjson', '.json'],
  reader: (context) => deploymentRows(context),
  valueOf: (event) => event,
}

const deploymentRows = ({ tenant, latestMs }: ReadContext): FileReader<DeploymentEvent> =>
  async function* (file) {
    for await (const found of namedValues(file)) {
      if (found.kind === 'bad') {
        yield found
        continue
      }
      yield rowOf(found, () => {
        const value = deployment(itemOf(found.values), { tenant, receivedAtMs: latestMs })
        return { timestampMs: value.timestamp, value }
      })
    }
  }

/** In the names of `/ingest/deployment`; what has no name there is metadata. */
const itemOf = (values: ReadonlyMap<string, unknown>): Record<string, unknown> => {
  const taker = new Taker(values)
  const metadata = membersOf(taker.take('metadata'))
  const commit = taker.take('commit', 'commitsha', 'sha', 'revision') ?? metadata['commit']
  const deployedBy = taker.take('deployedby', 'actor', 'author', 'user') ?? metadata['deployed_by']
  return {
    timestamp: taker.take('timestamp', 'time', 'datetime', 'date', 'ts', 'deployedat'),
    service: taker.take('service', 'servicename', 'app', 'application', 'project'),
    environment: taker.take('environment', 'env'),
    version: taker.take('version', 'release', 'tag', 'image') ?? commit,
    status: taker.take('status', 'state', 'result') ?? 'unknown',
    id: taker.take('id', 'deploymentid'),
    metadata: {
      ...metadata,
      ...taker.rest(),
      ...(commit === undefined ? {} : { commit }),
      ...(deployedBy === undefined ? {} : { deployed_by: deployedBy }),
    },
  }
}
