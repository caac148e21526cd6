/** The event that the options of `deploy-event` and a CI job's variables stand for. */
import { BadInput } from '../../../pipelines/intake/bad-input.ts'
import { deploymentEvent } from '../../../pipelines/intake/events/deployment-event.ts'
import { isChangeKind, meaningOfStatus } from '../../../pipelines/intake/events/status-words.ts'
import { contentId } from '../../../pipelines/intake/ids.ts'
import { parseTimestamp } from '../../../pipelines/intake/timestamp.ts'
import type { DeploymentEvent } from '../../../schemas/generated/telemetry-deployments.ts'
import { usageError } from '../../shared/errors.ts'
import { isTenantName } from '../../shared/identity/principal.ts'
import type { CiJob } from './ci-job.ts'

export interface DeployEventOptions {
  readonly service?: string
  readonly version?: string
  readonly environment?: string
  readonly status: string
  readonly kind?: string
  readonly commit?: string
  readonly ref?: string
  readonly by?: string
  readonly url?: string
  readonly at?: string
  readonly plannedFrom?: string
  readonly plannedTo?: string
  readonly metadata: readonly string[]
  readonly id?: string
  readonly tenant: string
  readonly json?: boolean
}

/** @throws ServiceError USAGE_INVALID, naming the option */
export const eventOfOptions = (
  options: DeployEventOptions,
  job: CiJob,
  nowMs: number,
): DeploymentEvent => {
  const { tenant } = options
  if (!isTenantName(tenant)) {
    throw usageError(`--tenant is '${tenant}'; use letters, digits, dots, dashes and underscores.`)
  }
  const service = given('service', options.service ?? job.service)
  const version = given('version', options.version ?? job.version)
  const environment = options.environment ?? job.environment
  const meaning = meaningOfStatus(options.status)
  if (meaning === undefined) {
    throw usageError(
      `--status is '${options.status}'; use pending, running, succeeded, failed or cancelled.`,
    )
  }
  const { status } = meaning
  const kind = options.kind ?? meaning.kind
  if (!isChangeKind(kind)) throw usageError(`--kind is '${kind}'; see --help for those there are.`)
  const timestamp = time('at', options.at) ?? nowMs
  // Another environment, version or status of the same job is another event.
  const said = [service, environment ?? '', version, status, kind]
  const id = options.id ?? contentId(job.id ?? String(timestamp), ...said)
  try {
    return deploymentEvent(
      { tenant, receivedAtMs: nowMs },
      {
        timestamp,
        service,
        version,
        environment,
        status,
        kind,
        commit: options.commit ?? job.commit,
        ref: options.ref ?? job.ref,
        deployedBy: options.by ?? job.by,
        url: options.url ?? job.url,
        startedAt: status === 'running' ? timestamp : undefined,
        finishedAt: status === 'running' || status === 'pending' ? undefined : timestamp,
        plannedFrom: time('planned-from', options.plannedFrom),
        plannedTo: time('planned-to', options.plannedTo),
        source: 'cli',
        sourceId: id,
        metadata: Object.fromEntries(options.metadata.map(entryOf)),
      },
    )
  } catch (error) {
    if (!(error instanceof BadInput)) throw error
    const option = OPTION_OF[error.field] ?? `--${error.field}`
    throw usageError(`${option} is '${shown(error.value)}' but must be ${error.limit}.`, error)
  }
}

/** Where the record calls it otherwise. */
const OPTION_OF: Readonly<Record<string, string>> = {
  timestamp: '--at',
  deployedBy: '--by',
  plannedTo: '--planned-to',
}

const shown = (value: unknown): string => {
  const text = String(value)
  return text.length > 80 ? `${text.slice(0, 80)}...` : text
}

const given = (option: string, value: string | undefined): string => {
  if (value !== undefined && value !== '') return value
  throw usageError(
    `--${option} is missing; only in a job of GitLab CI or GitHub Actions it may be left out.`,
  )
}

const time = (option: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined
  const ms = parseTimestamp(text)
  if (ms !== undefined) return ms
  throw usageError(`--${option} is '${text}'; use a time like 2026-03-01T12:00:00Z.`)
}

const entryOf = (text: string): readonly [string, string] => {
  const cut = text.indexOf('=')
  if (cut > 0) return [text.slice(0, cut), text.slice(cut + 1)]
  throw usageError(`--metadata is '${text}'; use name=value.`)
}
