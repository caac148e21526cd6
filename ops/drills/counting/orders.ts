/** What the drill tells its workers by IPC. */
import type { TransactionStage } from '../../../pipelines/runtime/kafka/index.ts'

/** At the next commit's stage: stop or die. Without a stage: forget what was ordered. */
export interface Order {
  readonly signal: 'SIGSTOP' | 'SIGKILL'
  readonly stage: TransactionStage | undefined
}

/** The least a broker allows by default. */
export const SESSION_TIMEOUT_MS = 6_000
