/** What should exist: the catalogue and the internal topics of pipelines, in one shape. */
import { tickSchema } from '../../schemas/generated/control-ticks.ts'
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
}

const DAY_MS = 86_400_000
const MIB = 1024 * 1024

const kept = (days: number, partitionMib: number): Retention => ({
  cleanup: 'delete',
  ms: days * DAY_MS,
  bytes: partitionMib * MIB,
})

const INTERNAL: Readonly<Record<InternalTopicKind, { summary: string; retention: Retention }>> = {
  changelog: {
    summary: 'State of a store, latest per key; a restart restores from it.',
    retention: { cleanup: 'compact', ms: -1, bytes: -1 },
  },
  repartition: {
    summary: 'Records of other producers on their way to the canonical partition.',
    retention: kept(2, 64),
  },
  order: {
    summary: 'In which order a task took its inputs; kept as long as they are.',
    retention: kept(2, 64),
  },
  ticks: { summary: 'Ticks passed on behind the outputs of a pipeline.', retention: kept(2, 16) },
  late: { summary: 'Records that came after their window had closed.', retention: kept(7, 16) },
  'dead-letter': {
    summary: 'Records that could not be processed, with the reason and their origin.',
    retention: kept(7, 32),
  },
}

/** State changelogs are read in full at each restart: compact early, in small segments. */
const CHANGELOG_SETTINGS: TopicSettings = {
  'segment.bytes': String(32 * MIB),
  'min.cleanable.dirty.ratio': '0.3',
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

export const wantedInternal = (topics: readonly InternalTopic[]): WantedTopic[] =>
  topics.map(({ name, kind, partitions }) => {
    const { summary, retention } = INTERNAL[kind]
    const settings = retentionSettings(retention)
    const wanted = { name, summary, partitions, settings }
    if (kind === 'changelog') return { ...wanted, settings: { ...settings, ...CHANGELOG_SETTINGS } }
    if (kind === 'ticks') {
      return { ...wanted, subject: subjectOf(name, tickSchema, 'BACKWARD_TRANSITIVE') }
    }
    return wanted
  })

const subjectOf = (
  topic: string,
  schema: AvroSchema,
  compatibility: Compatibility,
): WantedSubject => ({ name: `${topic}-value`, schema, compatibility })
