import process from 'node:process'
import { followTopic } from '../../records/follow-topic.ts'
import { offsetSpecOf } from '../../records/from.ts'
import { holdsForeignBytes, recordLineOf, type StoredRecord } from '../../records/record-line.ts'
import { ValueReader, type ReadValue } from '../../records/value-reader.ts'
import { compileWhere } from '../../records/where.ts'
import { readConfig } from '../../shared/config.ts'
import { EXIT } from '../../shared/errors.ts'
import { kafkaCluster } from '../../shared/kafka.ts'
import { schemaRegistry } from '../../shared/registry.ts'
import type { TailOptions } from '../commands/tail.ts'
import { setExitCode } from '../exit-code.ts'
import { LineOutput } from './output.ts'

/** Somebody sits before a terminal: say soon that Kafka is not there. */
const CONNECT_MS = 5_000

export const runTail = async (topic: string, options: TailOptions): Promise<void> => {
  const { max = Number.POSITIVE_INFINITY, timeout } = options
  const from = offsetSpecOf(options.from)
  const where = options.where === undefined ? undefined : compileWhere(options.where)
  const config = readConfig()
  const cluster = kafkaCluster(config)
  const values = new ValueReader(schemaRegistry(config))
  const output = new LineOutput()
  const stop = stopSignal()
  const deadline = timeout === undefined ? undefined : AbortSignal.timeout(timeout * 1000)
  const signals = [stop.signal, output.closed, ...(deadline === undefined ? [] : [deadline])]
  let shown = 0
  let unclear = 0

  const readValue = async ({ value }: StoredRecord): Promise<ReadValue | undefined> => {
    if (value === null || holdsForeignBytes(topic)) return undefined
    await values.prepare(value)
    return values.read(value)
  }

  try {
    await cluster.connect({ retryTimeoutMs: CONNECT_MS, signal: AbortSignal.any(signals) })
    await followTopic({
      cluster,
      topic,
      from,
      signal: AbortSignal.any(signals),
      onRecord: async (record) => {
        const read = await readValue(record)
        const line = recordLineOf(topic, record, read)
        const verdict = where?.(line, read) ?? 'match'
        if (verdict === 'unclear') unclear += 1
        if (verdict !== 'match') return true
        await output.write(`${JSON.stringify(line)}\n`)
        shown += 1
        return shown < max
      },
      onGap: (partition, fromOffset, toOffset) => {
        process.stderr.write(
          `millrace: records ${String(fromOffset)} to ${String(toOffset - 1)} of ${topic}/${String(partition)} are gone (retention); going on behind them\n`,
        )
      },
    })
  } finally {
    stop.dispose()
    await cluster.close()
    await output.end()
  }
  if (unclear > 0) {
    process.stderr.write(
      `millrace: ${String(unclear)} records do not have what --where asks for; has(value.x) tells\n`,
    )
  }
  if (deadline?.aborted === true && options.max !== undefined && shown < max) {
    process.stderr.write(
      `millrace: only ${String(shown)} of ${String(max)} records of ${topic} came within ${String(timeout)} s\n`,
    )
    setExitCode(EXIT.timeout)
  }
}

/** Ctrl-C and SIGTERM end a tail; that is how it is meant to end. */
const stopSignal = () => {
  const stopping = new AbortController()
  const stop = () => {
    stopping.abort()
  }
  process.once('SIGINT', stop).once('SIGTERM', stop)
  return {
    signal: stopping.signal,
    dispose: () => {
      process.off('SIGINT', stop).off('SIGTERM', stop)
    },
  }
}
