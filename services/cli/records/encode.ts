import process from 'node:process'
import { createInterface } from 'node:readline'
import { findTopic } from '../../../schemas/topics.ts'
import { frameOf, type Framing } from '../../encode/framing.ts'
import { LineEncoder } from '../../encode/line-encoder.ts'
import { readConfig } from '../../shared/config.ts'
import { usageError } from '../../shared/errors.ts'
import { schemaRegistry } from '../../shared/registry.ts'
import { LineOutput } from './output.ts'

export interface EncodeOptions {
  readonly raw?: boolean
  readonly withKey?: boolean
  readonly delimiter?: string
  readonly keyDelimiter: string
}

export const runEncode = async (topic: string, options: EncodeOptions): Promise<void> => {
  const framing = framingOf(options)
  const withKey = options.withKey ?? false
  const encoder = await encoderOf(topic)
  const output = new LineOutput()
  try {
    for await (const text of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
      const line = encoder.encode(text)
      if (line !== undefined) await output.write(frameOf(line, { framing, withKey }))
      if (output.closed.aborted) return
    }
  } finally {
    await output.end()
  }
}

/** Registers nothing: producers use what the operators have let in. */
const encoderOf = async (topic: string): Promise<LineEncoder> => {
  const subject = `${topic}-value`
  const latest = await schemaRegistry(readConfig()).latest(subject)
  if (latest === undefined) {
    throw usageError(
      `The registry has no schema for topic '${topic}' (subject ${subject}); check the name, or run \`millrace topics apply\`.`,
    )
  }
  return new LineEncoder({ schema: latest.schema, schemaId: latest.id, topic: findTopic(topic) })
}

const framingOf = ({ raw = false, delimiter, keyDelimiter }: EncodeOptions): Framing => {
  if (delimiter === undefined) return raw ? { kind: 'length-prefixed' } : { kind: 'base64' }
  if (raw) throw usageError('--raw and --delimiter exclude each other; choose one.')
  if (delimiter === '' || keyDelimiter === '') {
    throw usageError('A delimiter is empty; give at least one character.')
  }
  return { kind: 'delimited', delimiter, keyDelimiter }
}
