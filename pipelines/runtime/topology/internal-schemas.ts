/** Schemas of the runtime's own records. */

import type { AvroSchema } from '../../../schemas/topic.ts'
import type { TopologyRecord } from './topology-record.ts'

const listOf = (name: string, fields: readonly object[]): object => ({
  type: 'array',
  items: { type: 'record', name, fields },
})

/** How a task interleaved its inputs: runs of one input partition, each up to (not including) an offset. */
export const orderSchema: AvroSchema = {
  type: 'record',
  name: 'Order',
  namespace: 'millrace.runtime',
  fields: [
    {
      name: 'runs',
      type: listOf('Run', [
        { name: 'topic', type: 'string' },
        { name: 'partition', type: 'int' },
        { name: 'upTo', type: 'long', doc: 'Offset behind the last record of the run.' },
      ]),
    },
  ],
}

export interface OrderRun {
  topic: string
  partition: number
  upTo: number
}

export const taskStateSchema: AvroSchema = {
  type: 'record',
  name: 'TaskState',
  namespace: 'millrace.runtime',
  fields: [
    {
      name: 'partitions',
      type: 'int',
      doc: 'Tasks of the topology; a different count needs a migration.',
    },
    {
      name: 'tenants',
      type: { type: 'array', items: 'string' },
      doc: 'The tenant that the key of the record numbers, as rows refer to it.',
    },
    {
      name: 'clocks',
      doc: 'Event time each tick stream has reached.',
      type: listOf('Clock', [
        { name: 'tenant', type: 'int' },
        {
          name: 'origin',
          type: 'string',
          doc: 'Empty for control.ticks, else <pipeline>/<partition>.',
        },
        { name: 'timestamp', type: 'long' },
      ]),
    },
    {
      name: 'globals',
      doc: 'Next offset of each partition of the global tables.',
      type: listOf('Position', [
        { name: 'topic', type: 'string' },
        { name: 'partition', type: 'int' },
        { name: 'offset', type: 'long' },
      ]),
    },
    {
      name: 'inputs',
      doc: 'Next offset of the input partition that the key of the record names.',
      type: { type: 'array', items: 'Position' },
      default: [],
    },
    {
      name: 'topology',
      doc: 'What the state was built by, in the record of that key.',
      default: null,
      type: [
        'null',
        {
          type: 'record',
          name: 'Topology',
          fields: [
            { name: 'version', type: 'int', doc: "The pipeline's." },
            {
              name: 'stores',
              type: listOf('Store', [
                { name: 'name', type: 'string' },
                { name: 'kind', type: 'string' },
                { name: 'times', type: 'string', doc: 'Of a window; empty for others.' },
              ]),
            },
            {
              name: 'inputs',
              type: listOf('Input', [
                { name: 'topic', type: 'string' },
                { name: 'kind', type: 'string' },
              ]),
            },
            {
              name: 'topics',
              doc: 'Ids of the topics that positions and state refer to, where the broker gives them.',
              type: listOf('Topic', [
                { name: 'topic', type: 'string' },
                { name: 'id', type: 'string' },
              ]),
            },
          ],
        },
      ],
    },
  ],
}

export interface TaskState {
  partitions: number
  tenants: string[]
  clocks: { tenant: number; origin: string; timestamp: number }[]
  globals: { topic: string; partition: number; offset: number }[]
  inputs: { topic: string; partition: number; offset: number }[]
  topology: (TopologyRecord & { topics: { topic: string; id: string }[] }) | null
}
