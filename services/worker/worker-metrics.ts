/** What the tasks of a process count, as Prometheus metrics; read when scraped. */
import type { StreamWorker } from '../../pipelines/runtime/kafka/index.ts'
import type { Metrics } from '../shared/metrics.ts'

type Snapshot = ReadonlyMap<string, number>

/** Counters of tasks begin at zero when a partition moves; those of the process must not fall. */
class Growth {
  readonly #last = new Map<string, number>()

  since(key: string, value: number): number {
    const last = this.#last.get(key) ?? 0
    this.#last.set(key, value)
    return value >= last ? value - last : value
  }
}

export const exposeWorkers = (workers: readonly StreamWorker[], metrics: Metrics): void => {
  const labels = ['pipeline', 'partition'] as const
  const growth = new Growth()
  // Metrics are asked in the order they were declared: this one brings the counters up to date.
  metrics.gauge({
    name: 'worker_lag_records',
    help: 'Records between a task and the end of its inputs.',
    labels,
    collect(lag) {
      for (const { pipeline, tasks } of workers) {
        for (const { partition, runner } of tasks) {
          const label = { pipeline: pipeline.name, partition: String(partition) }
          const key = `${pipeline.name}/${partition}`
          const { task } = runner
          lag.set(label, runner.lag)
          for (const [name, counter] of Object.entries(counters)) {
            const value = task.counters[name as keyof typeof counters]
            counter.inc(label, growth.since(`${key} ${name}`, value))
          }
          for (const [reason, count] of task.counters.deadLetters as Snapshot) {
            deadLetters.inc({ ...label, reason }, growth.since(`${key} dead ${reason}`, count))
          }
          expired.inc(label, growth.since(`${key} expired`, runner.lostOffsets))
          commits.inc(label, growth.since(`${key} commits`, runner.commitTimes.count))
        }
      }
    },
  })
  const counters = {
    records: metrics.counter({ name: 'worker_records_total', help: 'Records processed.', labels }),
    ticks: metrics.counter({ name: 'worker_ticks_total', help: 'Ticks processed.', labels }),
    emitted: metrics.counter({ name: 'worker_emitted_total', help: 'Records emitted.', labels }),
    late: metrics.counter({
      name: 'worker_late_total',
      help: 'Records that came too late.',
      labels,
    }),
    repartitioned: metrics.counter({
      name: 'worker_repartitioned_total',
      help: 'Records of other producers that were keyed or placed differently.',
      labels,
    }),
    refusedByKeyLimit: metrics.counter({
      name: 'worker_key_limit_refused_total',
      help: 'Records of keys beyond the key limit.',
      labels,
    }),
    evictedKeys: metrics.counter({
      name: 'worker_evicted_keys_total',
      help: 'Keys forgotten because nothing came for them.',
      labels,
    }),
  }
  const deadLetters = metrics.counter({
    name: 'worker_dead_letters_total',
    help: 'Records put aside, by reason.',
    labels: [...labels, 'reason'],
  })
  const expired = metrics.counter({
    name: 'worker_expired_records_total',
    help: 'Records that retention took before they were processed.',
    labels,
  })
  const commits = metrics.counter({ name: 'worker_commits_total', help: 'Transactions.', labels })

  metrics.gauge({
    name: 'worker_commit_duration_seconds',
    help: 'Latest transactions of a task, by quantile.',
    labels: [...labels, 'quantile'],
    collect(gauge) {
      for (const { pipeline, tasks } of workers) {
        for (const { partition, runner } of tasks) {
          for (const quantile of [0.5, 0.99]) {
            const label = { pipeline: pipeline.name, partition: String(partition) }
            const seconds = runner.commitTimes.quantile(quantile) / 1_000
            gauge.set({ ...label, quantile: String(quantile) }, seconds)
          }
        }
      }
    },
  })
  metrics.gauge({
    name: 'worker_keys_count',
    help: 'Keys with state.',
    labels,
    collect(gauge) {
      for (const { pipeline, tasks } of workers) {
        for (const { partition, runner } of tasks) {
          const label = { pipeline: pipeline.name, partition: String(partition) }
          gauge.set(label, runner.task.keySpace.keys.size)
        }
      }
    },
  })
  metrics.gauge({
    name: 'worker_restored_ratio',
    help: 'Share of its changelogs that a task has read back.',
    labels,
    collect(gauge) {
      for (const { pipeline, tasks } of workers) {
        for (const { partition, runner } of tasks) {
          const label = { pipeline: pipeline.name, partition: String(partition) }
          const { restoredRecords, totalRecords } = runner.restore
          const done = runner.state !== 'opening' || totalRecords === 0
          gauge.set(label, done ? 1 : restoredRecords / totalRecords)
        }
      }
    },
  })
}
