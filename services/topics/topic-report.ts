/** What is known of topics, for `topics list` and `topics describe`. */
import type { KafkaCluster } from '../../pipelines/runtime/kafka/cluster.ts'
import type { TopicSettings } from '../../schemas/topic-settings.ts'
import { readFound, type TopicServers } from './apply.ts'
import { sameSchema } from './compatibility.ts'
import type { WantedTopic } from './wanted-topic.ts'

export interface PartitionReport {
  readonly partition: number
  readonly startOffset: number
  readonly endOffset: number
}

export interface SchemaReport {
  readonly subject: string
  readonly compatibility: string | null
  /** Null when the schema of this version of Millrace is not registered. */
  readonly version: number | null
  readonly id: number | null
  readonly versions: number
}

export interface TopicReport {
  readonly name: string
  readonly summary: string
  readonly exists: boolean
  readonly partitions: number
  /** Offsets that exist; compaction and transactions leave gaps in them. */
  readonly offsets: number
  readonly settings: TopicSettings
  readonly schema: SchemaReport | null
  readonly perPartition: readonly PartitionReport[]
}

export const reportTopics = async (
  wanted: readonly WantedTopic[],
  servers: TopicServers,
  cluster: KafkaCluster,
): Promise<TopicReport[]> => {
  const found = await readFound(wanted, servers)
  const existing = [...found.topics].flatMap(([topic, { partitions }]) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
  )
  const [starts, ends] = await Promise.all([
    existing.length === 0 ? [] : cluster.listOffsets(existing, 'earliest'),
    existing.length === 0 ? [] : cluster.listOffsets(existing, 'latest'),
  ])
  const startOf = new Map(starts.map((each) => [`${each.topic}/${String(each.partition)}`, each]))
  return wanted.map((topic): TopicReport => {
    const actual = found.topics.get(topic.name)
    const perPartition = ends
      .filter((end) => end.topic === topic.name)
      .sort((a, b) => a.partition - b.partition)
      .map(({ partition, offset }) => ({
        partition,
        startOffset: startOf.get(`${topic.name}/${String(partition)}`)?.offset ?? 0,
        endOffset: offset,
      }))
    return {
      name: topic.name,
      summary: topic.summary,
      exists: actual !== undefined,
      partitions: actual?.partitions ?? topic.partitions,
      offsets: perPartition.reduce((sum, each) => sum + each.endOffset - each.startOffset, 0),
      settings: shownSettings(topic.settings, actual?.settings),
      schema: schemaReport(topic, found.subjects),
      perPartition,
    }
  })
}

/** The settings the catalogue speaks of, with the values they have. */
const shownSettings = (wanted: TopicSettings, actual: TopicSettings | undefined): TopicSettings =>
  actual === undefined
    ? wanted
    : Object.fromEntries(Object.keys(wanted).map((key) => [key, actual[key] ?? '']))

const schemaReport = (
  { subject }: WantedTopic,
  subjects: Awaited<ReturnType<typeof readFound>>['subjects'],
): SchemaReport | null => {
  if (subject === undefined) return null
  const found = subjects.get(subject.name)
  const own = found?.versions.find(({ schema }) => sameSchema(schema, subject.schema))
  return {
    subject: subject.name,
    compatibility: found?.compatibility ?? null,
    version: own?.version ?? null,
    id: own?.id ?? null,
    versions: found?.versions.length ?? 0,
  }
}
