/**
 * intake: topics of other programs -> telemetry.metrics, .logs, .spans, .deployments
 *
 * What the OpenTelemetry Collector's Kafka exporter and senders of CloudEvents put on Kafka is taken
 * apart: one record holds points, entries and spans of many services, and each of them goes under
 * its own key.
 *
 * - N1: the tenant is that of the topic, by configuration; nothing in a record changes it.
 * - N2: what can be written is, exactly once. A record of which something cannot be is a dead letter
 *   besides, which says what.
 * - N3: a record that its sender repeats leads to nothing, where it comes to the same partition within
 *   256 records and its protocol has an identity: points (series, time), spans (ids), events.
 */
import {
  telemetryDeployments,
  telemetryLogs,
  telemetryMetrics,
  telemetrySpans,
} from '../../schemas/topics.ts'
import {
  defineRawPipeline,
  raw,
  ring,
  type Pipeline,
  type RawContext,
  type StateViews,
} from '../runtime/index.ts'
import type { DeploymentEvent } from '../../schemas/generated/telemetry-deployments.ts'
import type { Mapping } from './events/mapping.ts'
import { decoderOf, type ForeignContent, type ForeignTopic } from './foreign-records.ts'
import type { OtlpRecords } from './otlp/index.ts'
import { isRecent, RECENT_NUMBERS, remember } from './recent-ids.ts'

const state = { recent: ring({ capacity: RECENT_NUMBERS }) }
const outputs = {
  points: telemetryMetrics,
  logs: telemetryLogs,
  spans: telemetrySpans,
  deployments: telemetryDeployments,
}
type IntakeContext = RawContext<typeof outputs>

export const intake = (topics: readonly ForeignTopic[]): Pipeline =>
  defineRawPipeline({
    name: 'intake',
    version: 1,
    inputs: byTopic(topics, (each) => raw(each.topic, { decode: decoderOf(each) })),
    state,
    outputs,
    on: byTopic(topics, () => handle),
  })

const byTopic = <Value>(
  topics: readonly ForeignTopic[],
  of: (topic: ForeignTopic) => Value,
): Record<string, Value> => Object.fromEntries(topics.map((each) => [each.topic, of(each)]))

const handle = (
  content: ForeignContent,
  { recent }: StateViews<typeof state>,
  context: IntakeContext,
): void => {
  const { identity } = content
  if (identity !== undefined && isRecent(recent, identity)) {
    context.countRepeated() // N3
    return
  }
  const faults = write(content, context)
  const { length: count } = faults
  // One that is not whole may come again, mended: it is not remembered.
  if (count > 0) context.reject(`${String(count)} not taken; the first: ${faults[0] ?? ''}`)
  else if (identity !== undefined) remember(recent, identity)
}

/** N2: why each that is not written is not. */
const write = (content: ForeignContent, context: IntakeContext): readonly string[] => {
  switch (content.signal) {
    case 'metrics':
      return [
        ...refusedOf(content),
        ...content.records.flatMap((point) => context.emit('points', point) ?? []),
      ]
    case 'logs':
      return [
        ...refusedOf(content),
        ...content.records.flatMap((entry) => context.emit('logs', entry) ?? []),
      ]
    case 'traces':
      return [
        ...refusedOf(content),
        ...content.records.flatMap((span) => context.emit('spans', span) ?? []),
      ]
    case 'event':
      return writeEvent(content.mapped, context)
  }
}

const refusedOf = ({ rejected }: OtlpRecords): readonly string[] =>
  rejected.map(({ reason, detail }) => `${reason}: ${detail}`)

const writeEvent = (
  mapped: Mapping<DeploymentEvent>,
  context: IntakeContext,
): readonly string[] => {
  switch (mapped.kind) {
    case 'mapped':
      return [context.emit('deployments', mapped.value) ?? []].flat()
    case 'refused':
      return [mapped.fault.message]
    case 'ignored':
      return []
  }
}
