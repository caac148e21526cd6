import process from 'node:process'
import { followTopic } from '../../records/follow-topic.ts'
import { offsetSpecOf } from '../../records/from.ts'
import { holdsForeignBytes, recordLineOf, type StoredRecord } from '../../records/record-line.ts'
import { ValueReader, type ReadValue } from '../../records/value-reader.ts'
import { assertFieldsExist, compileWhere } from '../../records/where.ts'
import { EXIT } from '../../shared/errors.ts'
import { schemaRegistry } from '../../shared/registry.ts'
import { withKafka } from '../kafka-session.ts'
import { setExitCode } from '../exit-code.ts'
import { LineOutput } from './output.ts'

export interface TailOptions {
  readonly from: string
  readonly where?: string
  readonly max?: number
  readonly timeout?: number
  readonly json?: boolean
}

export const runTail = async (topic: string, options: TailOptions): Promise<void> => {
  const { max = Number.POSITIVE_INFINITY, timeout } = options
  const from = offsetSpecOf(options.from)
  const where = options.where === undefined ? undefined : compileWhere(options.where)
  const output = new LineOutput()
  const stop = stopSignal()
  const deadline = timeout === undefined ? undefined : AbortSignal.timeout(timeout * 1000)
  const ends = [stop.signal, output.closed, ...(deadline === undefined ? [] : [deadline])]
  const signal = AbortSignal.any(ends)
  let shown = 0
  let unclear = 0
  const show = async (record: StoredRecord, read: ReadValue | undefined): Promise<boolean> => {
    const line = recordLineOf(topic, record, read)
    const verdict = where?.(line, read) ?? 'match'
    if (verdict === 'unclear') unclear += 1
    if (verdict !== 'match') return true
    await output.write(`${JSON.stringify(line)}\n`)
    shown += 1
    return shown < max
  }
  try {
    await withKafka(
      async ({ config, cluster }) => {
        const registry = schemaRegistry(config)
        if (options.where !== undefined && !holdsForeignBytes(topic)) {
          const latest = await registry.latest(`${topic}-value`)
          if (latest !== undefined) assertFieldsExist(options.where, latest.schema)
        }
        const values = new ValueReader(registry)
        const onRecord = async (record: StoredRecord) =>
          show(record, await readValue(topic, record, values))
        return followTopic({ cluster, topic, from, signal, onRecord, onGap: tellGap(topic) })
      },
      { signal },
    )
  } finally {
    stop.dispose()
    await output.end()
  }
  if (unclear > 0) {
    tell(`${unclear} records do not have what --where asks for; has(value.x) tells`)
  }
  if (deadline?.aborted === true && options.max !== undefined && shown < max) {
    tell(`only ${shown} of ${max} records of ${topic} came within ${String(timeout)} s`)
    setExitCode(EXIT.timeout)
  }
}

const readValue = async (
  topic: string,
  { value }: StoredRecord,
  values: ValueReader,
): Promise<ReadValue | undefined> => {
  if (value === null || holdsForeignBytes(topic)) return undefined
  await values.prepare(value)
  return values.read(value)
}

const tellGap = (topic: string) => (partition: number, fromOffset: number, toOffset: number) => {
  tell(
    `records ${fromOffset} to ${toOffset - 1} of ${topic}/${partition} are gone (retention); going on behind them`,
  )
}

const tell = (text: string): void => {
  process.stderr.write(`millrace: ${text}\n`)
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
