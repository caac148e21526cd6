/** Reads a task's changelogs and global tables back, with progress, and finds where it goes on. */

import type { AnyTopic } from '../../../../schemas/topic.ts'
import type { Task } from '../../task/task.ts'
import { TaskRestore } from '../../task/task-restore.ts'
import { RecordValues } from '../../task/record-values.ts'
import type { TaskInput } from '../../task/task-inputs.ts'
import type { RecordSet } from '../../record/index.ts'
import { changelogTopic } from '../../topology/internal-topics.ts'
import type { KafkaCluster } from '../cluster.ts'
import { isRetryable } from '../kafka-error.ts'
import type { TopicPartitionOffset } from '../protocol/api.ts'
import { readToEnd } from '../read-to-end.ts'
import type { SchemaRegistryClient } from '../registry.ts'
import { backOffMs, sleep } from '../retry.ts'
import { settleTask } from './settle-task.ts'

export interface RestoreProgress {
  readonly restoredRecords: number
  /** Offsets between begin and end of the changelogs: compaction leaves fewer records. */
  readonly totalRecords: number
  readonly seconds: number
}

export interface RestoreOptions {
  readonly cluster: KafkaCluster
  readonly registry: SchemaRegistryClient
  readonly task: Task
  readonly partitions: number
  /** Offsets of the group, by input. */
  readonly committed: readonly TopicPartitionOffset[]
  readonly signal: AbortSignal
  readonly onProgress: (progress: RestoreProgress) => void
  /** With the id of a schema that the registry does not give; undefined when it has. */
  readonly onWaiting: (schemaId: number | undefined) => void
}

export const restoreTask = async (options: RestoreOptions): Promise<void> => {
  const { cluster, registry, task, partitions, signal } = options
  const restore = new TaskRestore({ task, schemas: registry, partitions })
  const { partition } = task
  const changelogs = restore.stores.map((store) => ({
    store,
    topic: changelogTopic(task.pipeline.name, store),
    partition,
  }))
  const totalRecords = await sizeOf(cluster, changelogs, signal)
  const startedAtMs = performance.now()
  const report = (): void => {
    const seconds = (performance.now() - startedAtMs) / 1_000
    options.onProgress({ restoredRecords: restore.entries, totalRecords, seconds })
  }
  report()
  // In this order: rows make the keys that the other stores hang on.
  for (const { store, topic } of changelogs) {
    await readToEnd({
      cluster,
      topic,
      partition,
      // Transactions that are still open may hold entries of ours: wait for their end.
      until: 'high-watermark',
      reusesMemory: true,
      signal,
      onRecords: async (records) => {
        for (;;) {
          const missing = restore.apply(store, records)
          if (missing < 0) break
          await lookUp(options, missing)
        }
        report()
      },
    })
  }
  restore.finish()
  const globals = task.queues.filter(({ input }) => input.kind === 'global')
  for (const queue of globals) {
    queue.position = restore.globalOffset(queue.input.topic, queue.input.partition)
  }
  await settleTask(options)
  for (const { input, position } of globals) await foldGlobal(options, input, position)
  report()
}

const sizeOf = async (
  cluster: KafkaCluster,
  partitions: readonly { topic: string; partition: number }[],
  signal: AbortSignal,
): Promise<number> => {
  const [first, last] = await Promise.all([
    cluster.listOffsets(partitions, 'earliest', { signal }),
    cluster.listOffsets(partitions, 'latest', { signal }),
  ])
  const sum = (offsets: readonly { offset: number }[]): number =>
    offsets.reduce((total, { offset }) => total + offset, 0)
  return sum(last) - sum(first)
}

/** A global table is the fold of its topic up to where the task had read it. */
const foldGlobal = async (
  options: RestoreOptions,
  input: TaskInput,
  until: number,
): Promise<void> => {
  const { cluster, registry, task, signal } = options
  if (until === 0 || input.global === undefined) return
  const topic = input.global.topic as AnyTopic
  const values = new RecordValues({ topic, fields: undefined, schemas: registry })
  const fold = async (records: RecordSet): Promise<void> => {
    while (records.next()) {
      let outcome = values.read(records)
      while (outcome === 'schema-missing') {
        await lookUp(options, values.missingSchemaId)
        outcome = values.read(records)
      }
      // What was refused then was a dead letter; it changed nothing.
      if (outcome === 'ok') task.foldGlobal(input, values.value)
    }
  }
  await readToEnd({
    cluster,
    topic: input.topic,
    partition: input.partition,
    until,
    signal,
    onRecords: fold,
  })
}

const lookUp = async (
  { registry, signal, onWaiting }: RestoreOptions,
  id: number,
): Promise<void> => {
  for (let attempt = 0; ; attempt++) {
    try {
      await registry.lookUp(id)
      onWaiting(undefined)
      return
    } catch (error) {
      if (signal.aborted || !isRetryable(error)) throw error
      onWaiting(id)
      await sleep(backOffMs(attempt, 100, 5_000), signal)
    }
  }
}
