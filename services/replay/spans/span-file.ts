/** Spans of lines of JSON (OTLP as the Collector's file exporter writes it, or a span a line) and of tables. */
import { BadInput } from '../../../pipelines/intake/bad-input.ts'
import { readOtlp } from '../../../pipelines/intake/otlp/index.ts'
import type { Span } from '../../../schemas/generated/telemetry-spans.ts'
import { telemetrySpans } from '../../../schemas/topics.ts'
import { namedValues, reasonOf, rowOf, type NamedValues } from '../named-values.ts'
import { badRow, type FileReader, type Row } from '../rows.ts'
import type { ReadContext, ReplaySignal } from '../signal.ts'
import { namedSpan } from './named-span.ts'

export const spansSignal: ReplaySignal<Span> = {
  topic: telemetrySpans,
  endings: ['.csv', '.jsonl', '.ndjson', '.json'],
  reader: (context) => spanRows(context),
  valueOf: (span) => span,
}

const spanRows = (context: ReadContext): FileReader<Span> =>
  async function* (file) {
    for await (const found of namedValues(file)) {
      if (found.kind === 'bad') yield found
      else if (found.values.has('resourceSpans')) yield* otlpRows(found, context)
      else {
        yield rowOf(found, () => {
          const value = namedSpan(found.values, context)
          return { timestampMs: millisOf(value), value }
        })
      }
    }
  }

/** A line is a whole message: many spans, each a row, and each refused by itself. */
const otlpRows = (
  { line, text = '', bytes }: NamedValues,
  { tenant, latestMs }: ReadContext,
): Row<Span>[] => {
  try {
    const message = { bytes: Buffer.from(text), encoding: 'json' as const }
    const mapped = readOtlp('traces', { ...message, tenant, receivedAtMs: latestMs })
    const { records, rejected } = mapped
    const each = Math.ceil(bytes / Math.max(1, records.length))
    return [
      ...rejected.map(({ reason, detail }) => badRow(line, `${reason}: ${detail}`)),
      ...(mapped.signal === 'traces' ? mapped.records : []).map((value): Row<Span> => ({
        kind: 'row',
        line,
        timestampMs: millisOf(value),
        bytes: each,
        value,
      })),
    ]
  } catch (error) {
    if (error instanceof BadInput) return [badRow(line, reasonOf(error))]
    throw error
  }
}

const millisOf = ({ start }: Span): number => Math.floor(start / 1000)
