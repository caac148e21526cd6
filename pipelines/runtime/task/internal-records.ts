/** The runtime's own records of a task: changelogs, the order of its inputs, its task state. */

import { RecordEncoder } from '../avro/record-codec.ts'
import { RuntimeError } from '../errors.ts'
import type { Pipeline } from '../topology/define-pipeline.ts'
import {
  orderSchema,
  taskStateSchema,
  type OrderRun,
  type TaskState,
} from '../topology/internal-schemas.ts'
import { changelogTopic, isKeyed, orderTopic } from '../topology/internal-topics.ts'
import { TASK_STORE } from '../topology/store-names.ts'
import { storesOf } from '../topology/state-layout.ts'
import { ChangelogAppender } from './changelog-appender.ts'
import type { OutputSettings } from './emitter.ts'
import type { InputQueue } from './input-queue.ts'
import type { ChangelogWriters } from './key-space.ts'
import type { OutputBuffers } from './output-buffers.ts'
import type { Position } from './state-lineage.ts'
import type { TenantClocks } from './tenant-clocks.ts'

/** Keys of the task-state changelog; tenants and inputs have one each. */
export const GLOBALS_KEY = 'task'
const TENANT_KEY = 'tenant/'
const TOPOLOGY_KEY = 'topology'
const INPUT_KEY = 'input/'
const tenantKey = (tenant: number): Buffer => Buffer.from(TENANT_KEY + String(tenant))
/** The number of the tenant whose state stands under the key. */
export const tenantNumber = (key: string): number | undefined =>
  key.startsWith(TENANT_KEY) ? Number(key.slice(TENANT_KEY.length)) : undefined
/** Runs in one record of the order: a commit with more writes several. */
const ORDER_RUNS = 2_000

export class InternalRecords {
  readonly changelogWriter: ChangelogWriters
  readonly #pipeline: string
  readonly #partition: number
  readonly #partitions: number
  readonly #outputs: OutputBuffers
  readonly #taskState: RecordEncoder<TaskState>
  /** Of a raw pipeline: none. */
  readonly #order: RecordEncoder<{ runs: OrderRun[] }> | undefined

  constructor(options: {
    readonly pipeline: Pipeline
    readonly partition: number
    readonly partitions: number
    readonly outputs: OutputBuffers
    readonly settings: OutputSettings
  }) {
    const { pipeline, partition, outputs, settings } = options
    this.#pipeline = pipeline.name
    this.#partition = partition
    this.#partitions = options.partitions
    this.#outputs = outputs
    const { schemaIdOf } = settings
    const taskTopic = changelogTopic(pipeline.name, TASK_STORE)
    this.#taskState = new RecordEncoder({
      schema: taskStateSchema,
      schemaId: schemaIdOf(taskTopic),
    })
    if (isKeyed(pipeline)) {
      const schemaId = schemaIdOf(orderTopic(pipeline.name))
      this.#order = new RecordEncoder({ schema: orderSchema, schemaId })
    }
    const appenders = new Map(
      storesOf(pipeline).map(({ name }) => {
        const topic = changelogTopic(pipeline.name, name)
        return [
          name,
          new ChangelogAppender({ outputs, topic, partition, schemaId: schemaIdOf(topic) }),
        ]
      }),
    )
    this.changelogWriter = (store) => {
      const appender = appenders.get(store)
      if (appender === undefined) throw new RuntimeError('TOPOLOGY_INVALID', `No store '${store}'`)
      return appender
    }
  }

  /** A record for each tenant that changed: there may be thousands. */
  writeTenants(clocks: TenantClocks): void {
    clocks.dirty.drain((tenant) => {
      this.#writeTaskState(tenantKey(tenant), {
        tenants: [clocks.nameOf(tenant)],
        clocks: [...clocks.entriesOf(tenant)],
      })
    })
  }

  writeGlobals(globals: readonly InputQueue[]): void {
    this.#writeTaskState(Buffer.from(GLOBALS_KEY), {
      globals: globals.map(({ input, position }) => ({
        topic: input.topic,
        partition: input.partition,
        offset: position,
      })),
    })
  }

  /** A record for each input that has moved: as a rule one or two of them. */
  writePositions(positions: readonly Position[]): void {
    for (const position of positions) {
      const key = `${INPUT_KEY}${position.topic}/${position.partition}`
      this.#writeTaskState(Buffer.from(key), { inputs: [position] })
    }
  }

  writeTopology(topology: TaskState['topology']): void {
    this.#writeTaskState(Buffer.from(TOPOLOGY_KEY), { topology })
  }

  writeOrder(runs: OrderRun[]): void {
    if (this.#order === undefined) return
    for (let start = 0; start < runs.length; start += ORDER_RUNS) {
      const some = { runs: runs.slice(start, start + ORDER_RUNS) }
      this.#append(orderTopic(this.#pipeline), null, this.#order.encode(some))
    }
  }

  #writeTaskState(key: Buffer, part: Partial<TaskState>): void {
    const topic = changelogTopic(this.#pipeline, TASK_STORE)
    const nothing = { tenants: [], clocks: [], globals: [], inputs: [], topology: null }
    const value = this.#taskState.encode({ partitions: this.#partitions, ...nothing, ...part })
    this.#append(topic, key, value)
  }

  #append(topic: string, key: Buffer | null, value: Buffer): void {
    this.#outputs.append(
      { topic, partition: this.#partition },
      { bytes: key, start: 0, end: key?.length ?? 0 },
      { bytes: value, start: 0, end: value.length },
    )
  }
}
