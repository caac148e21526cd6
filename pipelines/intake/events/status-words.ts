/** The words in which people and CI systems say how a change stands. */
import type {
  ChangeKind,
  DeploymentStatus,
} from '../../../schemas/generated/telemetry-deployments.ts'

const STATUS_WORDS: Readonly<Record<DeploymentStatus, readonly string[]>> = {
  unknown: [],
  pending: ['queued', 'created', 'waiting', 'scheduled', 'planned'],
  running: ['started', 'starting', 'in_progress', 'progressing', 'deploying', 'rolling_out'],
  succeeded: ['success', 'successful', 'completed', 'complete', 'deployed', 'finished', 'done'],
  failed: ['failure', 'error', 'errored', 'degraded'],
  cancelled: ['canceled', 'aborted', 'skipped', 'rejected'],
}
const STATUSES: ReadonlyMap<string, DeploymentStatus> = new Map(
  Object.entries(STATUS_WORDS).flatMap(([status, words]) =>
    [status, ...words].map((word) => [word, status as DeploymentStatus] as const),
  ),
)
const ROLLED_BACK: ReadonlySet<string> = new Set(['rolled_back', 'rollback', 'reverted'])

export interface StatusMeaning {
  readonly status: DeploymentStatus
  readonly kind: ChangeKind
}

/** Undefined for a word that nobody here knows. */
export const meaningOfStatus = (text: string): StatusMeaning | undefined => {
  const word = text
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_')
  if (ROLLED_BACK.has(word)) return { status: 'succeeded', kind: 'rollback' }
  const status = STATUSES.get(word)
  return status && { status, kind: 'deployment' }
}

const KINDS: ReadonlySet<string> = new Set<ChangeKind>([
  ...(['other', 'deployment', 'rollback', 'removal', 'configuration', 'flag'] as const),
  ...(['scaling', 'infrastructure', 'build', 'merge'] as const),
])

export const isChangeKind = (text: string): text is ChangeKind => KINDS.has(text)
