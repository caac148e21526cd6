/** `millrace status`: what the supervisor has written down, checked against the processes that live. */
import process from 'node:process'

import {
  diskUse,
  freeBytes,
  isAlive,
  layoutOf,
  readStackState,
  residentBytes,
  type DataLayout,
  type ProcessState,
  type ProcessStatus,
  type StackState,
} from '../../../infra/local/index.ts'
import { LOCAL_PARTITIONS } from '../../../schemas/topics.ts'
import { EXIT } from '../../shared/errors.ts'
import { boundOf, totalBytes, type TopicBound } from '../../topics/kept-bytes.ts'
import { productTopics } from '../../topics/product-topics.ts'
import type { StatusOptions } from '../commands/status.ts'
import { setExitCode } from '../exit-code.ts'
import { presentServices } from './node-services.ts'
import { statusTable } from './status-table.ts'

export interface ProcessReport {
  readonly name: string
  readonly pid: number | null
  readonly state: ProcessState
  readonly rssBytes: number
  readonly port: number | null
  readonly uptimeSeconds: number
  /** How long it has been in its state. */
  readonly stateSeconds: number
  /** Why it is not ready, in words. */
  readonly reason: string | null
  readonly restarts: number
  readonly log: string
}

export interface StatusReport {
  readonly ready: boolean
  readonly dataDir: string
  readonly supervisorPid: number | null
  readonly uptimeSeconds: number
  readonly processes: readonly ProcessReport[]
  readonly totalRssBytes: number
  readonly ports: StackState['ports'] | null
  readonly disk: {
    readonly kafkaBytes: number
    readonly clickhouseBytes: number
    readonly logBytes: number
    /** What the disk of the data folder has left. */
    readonly freeBytes: number
  }
  readonly retention: {
    /** What all topics can take in all before the broker deletes the oldest; state comes on top. */
    readonly boundBytes: number
    /** Telemetry, signals and control. */
    readonly topics: readonly TopicBound[]
    /** What pipelines and services keep for themselves. */
    readonly internalTopics: readonly TopicBound[]
  }
}

const topicBounds = () => {
  const { catalogue, internal } = productTopics({ spreadPartitions: LOCAL_PARTITIONS })
  return { topics: catalogue.map(boundOf), internalTopics: internal.map(boundOf) }
}

const secondsSince = (epochMs: number | undefined): number =>
  epochMs === undefined ? 0 : Math.max(0, Math.round((Date.now() - epochMs) / 1000))

const reportOf = (status: ProcessStatus, supervised: boolean): ProcessReport => {
  const { pid, startedAt } = status
  const lives = pid !== undefined && startedAt !== undefined && isAlive({ pid, startedAt })
  return {
    name: status.name,
    pid: lives ? pid : null,
    // Without a supervisor the last state says nothing: what still lives is nobody's.
    state: supervised ? status.state : lives ? 'degraded' : 'stopped',
    rssBytes: lives ? (residentBytes(pid) ?? 0) : 0,
    port: status.port ?? null,
    uptimeSeconds: lives ? secondsSince(status.since) : 0,
    stateSeconds: secondsSince(status.stateSince),
    reason: supervised ? (status.reason ?? null) : lives ? 'its supervisor is gone' : null,
    restarts: status.restarts,
    log: status.log,
  }
}

const supervisorReport = (state: StackState, layout: DataLayout): ProcessReport => ({
  name: 'up',
  pid: state.pid,
  state: 'ready',
  rssBytes: residentBytes(state.pid) ?? 0,
  port: null,
  uptimeSeconds: secondsSince(state.since),
  stateSeconds: secondsSince(state.since),
  reason: null,
  restarts: 0,
  log: layout.logs,
})

/** Everything that `up` starts is there and ready. */
const isReady = (processes: readonly ProcessReport[]): boolean => {
  const states = new Map(processes.map(({ name, state }) => [name, state]))
  const wanted = ['kafka', 'registry', 'clickhouse', ...presentServices().map(({ name }) => name)]
  return wanted.every((name) => states.get(name) === 'ready')
}

export const readStatus = (dataDir: string): StatusReport => {
  const layout = layoutOf(dataDir)
  const state = readStackState(layout)
  const supervised = state !== undefined && isAlive(state)
  const children = (state?.processes ?? []).map((status) => reportOf(status, supervised))
  const processes = supervised ? [...children, supervisorReport(state, layout)] : children
  const bounds = topicBounds()
  return {
    ready: supervised && isReady(children),
    dataDir: layout.root,
    supervisorPid: supervised ? state.pid : null,
    uptimeSeconds: supervised ? secondsSince(state.since) : 0,
    processes,
    totalRssBytes: processes.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
    ports: state?.ports ?? null,
    disk: {
      kafkaBytes: diskUse(layout.kafka),
      clickhouseBytes: diskUse(layout.clickhouse),
      logBytes: diskUse(layout.logs),
      freeBytes: freeBytes(layout.root),
    },
    retention: {
      boundBytes: totalBytes([...bounds.topics, ...bounds.internalTopics]),
      ...bounds,
    },
  }
}

export const runStatus = async (options: StatusOptions): Promise<void> => {
  const report = readStatus(options.data)
  if (!report.ready) setExitCode(EXIT.negative)
  if (options.json === true) process.stdout.write(`${JSON.stringify(report)}\n`)
  else process.stderr.write(`${statusTable(report)}\n`)
}
