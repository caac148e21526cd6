/** What should exist: the catalogue and the internal topics of pipelines, in one shape. */
import {
  partitionCountOf,
  retentionSettings,
  type TopicSettings,
} from '../../schemas/topic-settings.ts'
import type { AnyTopic, AvroSchema, Compatibility, Retention } from '../../schemas/topic.ts'

export type InternalTopicKind =
  'changelog' | 'repartition' | 'order' | 'ticks' | 'late' | 'dead-letter'

/** As pipelines/runtime names the topics a topology needs for itself. */
export interface InternalTopic {
  readonly name: string
  readonly kind: InternalTopicKind
  readonly partitions: number
  /** Of the values; absent for topics that hold the bytes of others. */
  readonly schema?: AvroSchema | undefined
}

export interface WantedSubject {
  readonly name: string
  readonly schema: AvroSchema
  readonly compatibility: Compatibility
}

export interface WantedTopic {
  readonly name: string
  readonly summary: string
  readonly partitions: number
  readonly settings: TopicSettings
  /** Absent where values are other topics' bytes or the runtime's own. */
  readonly subject?: WantedSubject
  /** Of others: made where it is missing, and left as it is where it is there. */
  readonly isForeign?: boolean
}

/** Where the sink puts records that have no row. */
export const SINK_DEAD_LETTERS = 'sink.dead-letter'

const DAY_MS = 86_400_000
const MIB = 1024 * 1024

/** Copies of records carry headers besides: they must fit although the original just did. */
const ROOM_FOR_COPIES: TopicSettings = { 'max.message.bytes': String(2 * MIB) }

const kept = (days: number, partitionMib: number): Retention => ({
  cleanup: 'delete',
  ms: days * DAY_MS,
  bytes: partitionMib * MIB,
})

interface InternalTraits {
  readonly summary: string
  readonly retention: Retention
  /** What a version that was rolled back must still read is FULL. */
  readonly compatibility: Compatibility
  readonly settings?: TopicSettings
}

// All topics of the product together stay below 5 GB on 4 partitions; see kept-bytes.test.ts.
const INTERNAL: Readonly<Record<InternalTopicKind, InternalTraits>> = {
  changelog: {
    summary: 'State of a store, latest per key; a restart restores from it.',
    retention: { cleanup: 'compact', ms: -1, bytes: -1 },
    compatibility: 'FULL_TRANSITIVE',
    // Read in full at each restart: compact early, in small segments.
    settings: { 'segment.bytes': String(32 * MIB), 'min.cleanable.dirty.ratio': '0.3' },
  },
  repartition: {
    summary: 'Records of other producers on their way to the canonical partition.',
    retention: kept(2, 24),
    compatibility: 'BACKWARD_TRANSITIVE',
    settings: ROOM_FOR_COPIES,
  },
  order: {
    summary: 'In which order a task took its inputs; kept as long as they are.',
    retention: kept(2, 64),
    compatibility: 'FULL_TRANSITIVE',
  },
  ticks: {
    summary: 'Ticks passed on behind the outputs of a pipeline.',
    retention: kept(2, 16),
    compatibility: 'BACKWARD_TRANSITIVE',
  },
  late: {
    summary: 'Records that came after their window had closed.',
    retention: kept(7, 8),
    compatibility: 'BACKWARD_TRANSITIVE',
    settings: ROOM_FOR_COPIES,
  },
  'dead-letter': {
    summary: 'Records that could not be processed, with the reason and their origin.',
    retention: kept(7, 16),
    compatibility: 'BACKWARD_TRANSITIVE',
    settings: ROOM_FOR_COPIES,
  },
}

export const wantedFromCatalogue = (
  topics: readonly AnyTopic[],
  spreadPartitions: number,
): WantedTopic[] =>
  topics.map((topic) => ({
    name: topic.name,
    summary: topic.summary,
    partitions: partitionCountOf(topic, spreadPartitions),
    settings: retentionSettings(topic.retention),
    subject: subjectOf(topic.name, topic.schema, topic.compatibility),
  }))

/** Topics that other programs write, where nobody else makes them: on a stack of `npm start`. */
export const wantedForeign = (names: readonly string[]): WantedTopic[] =>
  names.map((name) => ({
    name,
    summary: 'Written by other programs, read by the pipeline `intake`.',
    partitions: 1,
    settings: retentionSettings(kept(2, 32)),
    isForeign: true,
  }))

export const wantedInternal = (topics: readonly InternalTopic[]): WantedTopic[] =>
  topics.map(({ name, kind, partitions, schema }) => {
    const { summary, retention, compatibility, settings = {} } = INTERNAL[kind]
    const wanted = {
      name,
      summary,
      partitions,
      settings: { ...retentionSettings(retention), ...settings },
    }
    if (schema === undefined) return wanted
    return { ...wanted, subject: subjectOf(name, schema, compatibility) }
  })

const subjectOf = (
  topic: string,
  schema: AvroSchema,
  compatibility: Compatibility,
): WantedSubject => ({ name: `${topic}-value`, schema, compatibility })
