/** The command as a process, and what it left in a topic. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { stackEnvironment } from '../../../ops/test/stack.ts'
import { createRecordDecoder, WIRE_HEADER_BYTES } from '../../../pipelines/runtime/avro/index.ts'
import { readToEnd, type KafkaCluster } from '../../../pipelines/runtime/kafka/index.ts'
import type { Topic } from '../../../schemas/topic.ts'

export interface Answer {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The command line. */
export const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
export const millrace = (...args: readonly string[]): Promise<Answer> =>
  new Promise((resolve) => {
    const env = { ...process.env, ...stackEnvironment() }
    execFile(process.execPath, [main, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })

export interface Stored<Value> {
  readonly value: Value
  readonly partition: number
  readonly appendedMs: number
}

/** Everything of one tenant, by partition and offset. */
export const stored = async <Value extends { readonly tenant: string }>(
  cluster: KafkaCluster,
  topic: Topic<Value>,
  tenant: string,
): Promise<Stored<Value>[]> => {
  const { decode } = createRecordDecoder<Value>({ writerSchema: topic.schema })
  const all: Stored<Value>[] = []
  for (let partition = 0; partition < (await cluster.partitionCount(topic.name)); partition++) {
    await readToEnd({
      cluster,
      topic: topic.name,
      partition,
      until: 'last-stable',
      onRecords: (records) => {
        while (records.next()) {
          const { buffer, valueStart, valueEnd, timestampMs: appendedMs } = records
          const key = records.key()?.toString('utf8') ?? ''
          if (key.split('\u001f')[0] !== tenant) continue
          const value = decode(buffer, valueStart + WIRE_HEADER_BYTES, valueEnd)
          expect(key).toBe(topic.keyOf(value))
          all.push({ value, partition, appendedMs })
        }
      },
    })
  }
  return all
}
