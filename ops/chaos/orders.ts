/** What the drill and its workers say to each other by IPC. */
import type { TransactionStage } from '../../pipelines/runtime/kafka/index.ts'

/** The least a broker allows by default. */
export const SESSION_TIMEOUT_MS = 6_000

/** At the next commit's stage, or at the n-th answer of a restore: stop or die. */
export type Order =
  | { readonly signal: 'SIGSTOP' | 'SIGKILL'; readonly at: TransactionStage }
  | { readonly signal: 'SIGKILL'; readonly at: 'restore'; readonly answer: number }

/** One transaction of one incarnation of a task: `<transactional id>/<producer id>/<epoch>`. */
export type TransactionName = string

/** The broker's answer to a commit that it took. */
export const COMMITTED = 'committed'

export type Message =
  /** Said before it stops or dies as ordered. */
  | {
      readonly kind: 'struck'
      /** Begun, and no EndTxn sent. */
      readonly open: readonly TransactionName[]
      /** In words: what it was about. */
      readonly about: string
    }
  /** What the broker says to the transactions that were open when the worker was struck. */
  | {
      readonly kind: 'verdict'
      readonly transaction: TransactionName
      /** COMMITTED, or the error of the request that was refused: one of its own, or the process's membership. */
      readonly answer: string
    }
  | {
      readonly kind: 'status'
      readonly ready: boolean
      readonly partitions: readonly number[]
    }
