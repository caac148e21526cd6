/** What the tasks of a process count, as Prometheus metrics; read when scraped. */
import type { StreamWorker, TaskMemory } from '../../pipelines/runtime/kafka/index.ts'
import type { Metrics } from '../shared/metrics.ts'

/** Counters of tasks begin at zero when a partition moves; those of the process must not fall. */
class Growth {
  readonly #last = new Map<string, number>()

  since(key: string, value: number): number {
    const last = this.#last.get(key) ?? 0
    this.#last.set(key, value)
    return value >= last ? value - last : value
  }
}

const LABELS = ['pipeline', 'partition'] as const
/** Three ticks of live operation. */
const HELD_BACK_MS = 15_000
const QUANTILES = [0.5, 0.99]

function* tasksOf(workers: readonly StreamWorker[]) {
  for (const { pipeline, tasks } of workers) {
    for (const { partition, runner, state } of tasks) {
      yield { runner, state, label: { pipeline: pipeline.name, partition: String(partition) } }
    }
  }
}

export const exposeWorkers = (workers: readonly StreamWorker[], metrics: Metrics): void => {
  const growth = new Growth()
  // Metrics are asked in the order they were declared: this one brings the counters up to date.
  metrics.gauge({
    name: 'worker_lag_records',
    help: 'Records between a task and the end of its inputs.',
    labels: LABELS,
    collect(lag) {
      for (const { runner, label } of tasksOf(workers)) {
        lag.set(label, runner.lag)
        const grown = (what: string, value: number): number =>
          growth.since(`${label.pipeline}/${label.partition} ${what}`, value)
        const { deadLetters, ...counts } = runner.task.counters
        for (const [name, counter] of Object.entries(counters.ofTasks)) {
          counter.inc(label, grown(name, counts[name as keyof typeof counters.ofTasks]))
        }
        for (const [reason, count] of deadLetters) {
          counters.deadLetters.inc({ ...label, reason }, grown(`dead ${reason}`, count))
        }
        counters.expired.inc(label, grown('expired', runner.lostOffsets))
        counters.commits.inc(label, grown('commits', runner.commitTimes.count))
      }
    },
  })
  const counters = declareCounters(metrics)
  exposeCommits(workers, metrics)
  exposeState(workers, metrics)
  exposeForeignTopics(workers, metrics)
}

/** What is bounded for all tasks of the process together: see docs/limits.md. */
export const exposeMemory = (memory: TaskMemory, metrics: Metrics): void => {
  metrics.gauge({
    name: 'worker_fetched_bytes',
    help: 'Fetched from Kafka and not yet processed.',
    collect(gauge) {
      gauge.set(memory.fetched.usedBytes)
    },
  })
  metrics.gauge({
    name: 'worker_uncommitted_bytes',
    help: 'Outputs and changed state that are not committed yet, about.',
    collect(gauge) {
      gauge.set(memory.outputs.usedBytes)
    },
  })
}

const declareCounters = (metrics: Metrics) => {
  const counter = (name: string, help: string) => metrics.counter({ name, help, labels: LABELS })
  return {
    /** By their names in the tasks. */
    ofTasks: {
      records: counter('worker_records_total', 'Records processed.'),
      ticks: counter('worker_ticks_total', 'Ticks processed.'),
      emitted: counter('worker_emitted_total', 'Records emitted.'),
      late: counter('worker_late_total', 'Records that came too late.'),
      repartitioned: counter(
        'worker_repartitioned_total',
        'Records of other producers that were keyed or placed differently.',
      ),
      refusedByKeyLimit: counter(
        'worker_key_limit_refused_total',
        'Records of keys beyond the key limit.',
      ),
      repeated: counter(
        'worker_repeated_total',
        'Records of foreign topics that their senders had sent before; they lead to nothing.',
      ),
      evictedKeys: counter(
        'worker_evicted_keys_total',
        'Keys forgotten because nothing came for them.',
      ),
    },
    deadLetters: metrics.counter({
      name: 'worker_dead_letters_total',
      help: 'Records put aside, by reason.',
      labels: [...LABELS, 'reason'],
    }),
    expired: counter(
      'worker_expired_records_total',
      'Records that retention took before they were processed.',
    ),
    commits: counter('worker_commits_total', 'Transactions.'),
  }
}

const exposeCommits = (workers: readonly StreamWorker[], metrics: Metrics): void => {
  metrics.gauge({
    name: 'worker_commit_duration_seconds',
    help: 'Latest transactions of a task, by quantile.',
    labels: [...LABELS, 'quantile'],
    collect(gauge) {
      for (const { runner, label } of tasksOf(workers)) {
        for (const quantile of QUANTILES) {
          const seconds = runner.commitTimes.quantile(quantile) / 1_000
          gauge.set({ ...label, quantile: String(quantile) }, seconds)
        }
      }
    },
  })
}

const exposeForeignTopics = (workers: readonly StreamWorker[], metrics: Metrics): void => {
  metrics.gauge({
    name: 'worker_foreign_topic_partitions',
    help: 'Partitions of a topic that other programs write; 0: it does not exist, and is waited for.',
    labels: ['pipeline', 'topic'],
    collect(gauge) {
      for (const { pipeline, foreignTopics } of workers) {
        for (const { topic, partitions } of foreignTopics) {
          gauge.set({ pipeline: pipeline.name, topic }, partitions)
        }
      }
    },
  })
}

const exposeState = (workers: readonly StreamWorker[], metrics: Metrics): void => {
  metrics.gauge({
    name: 'worker_keys_count',
    help: 'Keys with state.',
    labels: LABELS,
    collect(gauge) {
      for (const { runner, label } of tasksOf(workers)) {
        gauge.set(label, runner.task.keySpace.keys.size)
      }
    },
  })
  metrics.gauge({
    name: 'worker_clock_held_back_seconds',
    help: 'How long a task has not passed on time that the others of its stage have.',
    labels: [...LABELS, 'origin'],
    collect(gauge) {
      for (const { runner, label } of tasksOf(workers)) {
        const { slowest } = runner.task.origins
        if (slowest === undefined || slowest.behindMs < HELD_BACK_MS) continue
        gauge.set({ ...label, origin: slowest.origin }, slowest.behindMs / 1_000)
      }
    },
  })
  metrics.gauge({
    name: 'worker_task_state',
    help: '1 for the state a task is in: opening, running, waiting, draining, retrying or stopped.',
    labels: [...LABELS, 'state'],
    collect(gauge) {
      for (const { state, label } of tasksOf(workers)) gauge.set({ ...label, state }, 1)
    },
  })
  metrics.gauge({
    name: 'worker_restored_ratio',
    help: 'Share of its changelogs that a task has read back.',
    labels: LABELS,
    collect(gauge) {
      for (const { runner, label } of tasksOf(workers)) {
        const { restoredRecords, totalRecords } = runner.restore
        const isDone = runner.state !== 'opening' || totalRecords === 0
        gauge.set(label, isDone ? 1 : restoredRecords / totalRecords)
      }
    },
  })
}
