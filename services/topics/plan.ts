/**
 * What has to be done so that what should exist exists. Pure: from wanted and found to steps.
 *
 * T1: a refusal anywhere means no step is taken at all.
 * T2: partition counts of existing topics are never changed: keys would move away from their state.
 * T3: only settings that correctness rests on are repaired on existing topics; how long an operator
 *     keeps records is theirs to choose, and shown as a note.
 */
import type { TopicSettings } from '../../schemas/topic-settings.ts'
import type { AvroSchema, Compatibility } from '../../schemas/topic.ts'
import { incompatibility, sameSchema, type RegisteredVersion } from './compatibility.ts'
import type { WantedSubject, WantedTopic } from './wanted-topic.ts'

export interface FoundTopic {
  readonly partitions: number
  readonly settings: TopicSettings
}

export interface FoundSubject {
  /** The subject's own rule; null when it has none. */
  readonly compatibility: string | null
  readonly versions: readonly RegisteredVersion[]
}

export interface Found {
  readonly topics: ReadonlyMap<string, FoundTopic>
  readonly subjects: ReadonlyMap<string, FoundSubject>
}

export type Step =
  | {
      readonly kind: 'create-topic'
      readonly topic: string
      readonly partitions: number
      readonly settings: TopicSettings
    }
  | { readonly kind: 'alter-topic'; readonly topic: string; readonly settings: TopicSettings }
  | {
      readonly kind: 'register-schema'
      readonly subject: string
      readonly schema: AvroSchema
      /** In force by then. */
      readonly compatibility: Compatibility
    }
  | {
      readonly kind: 'set-compatibility'
      readonly subject: string
      readonly compatibility: Compatibility
    }

/** Fact, value and way out, ready to be shown. */
export interface Refusal {
  readonly kind: 'partitions' | 'schema'
  readonly name: string
  readonly reason: string
}

export interface Plan {
  readonly steps: readonly Step[]
  readonly refusals: readonly Refusal[]
  readonly notes: readonly string[]
  /** Names of topics that are as they should be. */
  readonly unchanged: readonly string[]
}

const ENFORCED = ['message.timestamp.type', 'cleanup.policy'] as const
const CHOSEN = ['retention.ms', 'retention.bytes'] as const

export const planTopics = (wanted: readonly WantedTopic[], found: Found): Plan => {
  const steps: Step[] = []
  const refusals: Refusal[] = []
  const notes: string[] = []
  const unchanged: string[] = []
  for (const topic of wanted) {
    const before = steps.length + refusals.length
    const existing = found.topics.get(topic.name)
    if (existing === undefined) steps.push(creation(topic))
    else if (topic.isForeign !== true) planExisting(topic, existing, { steps, refusals, notes })
    if (topic.subject !== undefined) {
      planSubject(topic.subject, found.subjects.get(topic.subject.name), { steps, refusals })
    }
    if (steps.length + refusals.length === before) unchanged.push(topic.name)
  }
  return { steps, refusals, notes, unchanged }
}

interface Into {
  readonly steps: Step[]
  readonly refusals: Refusal[]
  readonly notes: string[]
}

const creation = ({ name, partitions, settings }: WantedTopic): Step => ({
  kind: 'create-topic',
  topic: name,
  partitions,
  settings,
})

const planExisting = (topic: WantedTopic, existing: FoundTopic, into: Into): void => {
  const { name, partitions, settings } = topic
  if (existing.partitions !== partitions) {
    into.refusals.push({
      kind: 'partitions',
      name,
      reason:
        `topic '${name}' has ${String(existing.partitions)} partitions, not ${String(partitions)}; ` +
        'a count is fixed at creation, since keys would move away from their state: keep ' +
        `MILLRACE_PARTITIONS=${String(existing.partitions)}, or move to new topics under a new application id.`,
    })
    return
  }
  const repaired = ENFORCED.filter((key) => differs(key, settings, existing.settings))
  if (repaired.length > 0) {
    const changes = Object.fromEntries(repaired.map((key) => [key, settings[key] ?? '']))
    into.steps.push({ kind: 'alter-topic', topic: name, settings: changes })
  }
  for (const key of CHOSEN.filter((each) => differs(each, settings, existing.settings))) {
    into.notes.push(
      `topic '${name}' keeps ${key}=${String(existing.settings[key])}; the catalogue has ${String(settings[key])}.`,
    )
  }
}

/** Settings the broker did not report are not touched. */
const differs = (key: string, wanted: TopicSettings, actual: TopicSettings): boolean => {
  const value = actual[key]
  if (value === undefined || wanted[key] === undefined) return false
  return normalised(value) !== normalised(wanted[key])
}

/** `delete,compact` and `compact,delete` are the same policy. */
const normalised = (value: string): string =>
  value
    .split(',')
    .map((part) => part.trim())
    .sort()
    .join(',')

const planSubject = (
  wanted: WantedSubject,
  found: FoundSubject | undefined,
  into: Pick<Into, 'steps' | 'refusals'>,
): void => {
  const { name, schema, compatibility } = wanted
  const versions = found?.versions ?? []
  // The rule first: the registry then judges the new version by it.
  const ruled = found?.compatibility === compatibility
  const rule: Step = { kind: 'set-compatibility', subject: name, compatibility }
  const registered = versions.some((version) => sameSchema(version.schema, schema))
  if (registered) {
    if (!ruled) into.steps.push(rule)
    return
  }
  const reason = incompatibility(schema, versions, compatibility)
  if (reason !== null) {
    into.refusals.push({
      kind: 'schema',
      name,
      reason:
        `schema of '${name}' is not ${compatibility}: ${reason}; give new fields a default and ` +
        'keep the types of old ones, or publish to a new topic (<name>.v2).',
    })
    return
  }
  if (!ruled) into.steps.push(rule)
  into.steps.push({ kind: 'register-schema', subject: name, schema, compatibility })
}
