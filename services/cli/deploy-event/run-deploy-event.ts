import process from 'node:process'
import { telemetryDeployments } from '../../../schemas/topics.ts'
import { foreignVariables } from '../../shared/config.ts'
import { publishOne } from '../../telemetry/publish-one.ts'
import { withKafka } from '../kafka-session.ts'
import { CI_VARIABLES, ciJob } from './ci-job.ts'
import { eventOfOptions, type DeployEventOptions } from './event-of-options.ts'

export type { DeployEventOptions }

/** A job waits for this; longer, and its own time-out would come first. */
const DELIVERY_TIMEOUT_MS = 30_000

export const runDeployEvent = async (options: DeployEventOptions): Promise<void> => {
  const event = eventOfOptions(options, ciJob(foreignVariables(CI_VARIABLES)), Date.now())
  await withKafka((servers) =>
    publishOne(telemetryDeployments, event, {
      ...servers,
      name: 'deploy-event',
      deliveryTimeoutMs: DELIVERY_TIMEOUT_MS,
    }),
  )
  const { id, tenant, service, version, environment, status, kind } = event
  if (options.json === true) {
    const timestamp = new Date(event.timestamp).toISOString()
    const told = { id, tenant, service, version, environment, status, kind, timestamp }
    process.stdout.write(`${JSON.stringify(told)}\n`)
    return
  }
  process.stderr.write(
    `Told of ${service} ${version ?? ''}${environment === null ? '' : ` in ${environment}`}: ${kind} ${status}, tenant ${tenant}.\n`,
  )
  process.stdout.write(`${id}\n`)
}
