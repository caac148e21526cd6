/** The thin shell around the plan: reads what exists, takes the steps. */
import type { TopicSettings } from '../../schemas/topic-settings.ts'
import { planTopics, type Found, type FoundTopic, type Plan, type Step } from './plan.ts'
import type { SubjectRegistry } from './subject-registry.ts'
import type { WantedTopic } from './wanted-topic.ts'

export interface NewTopic {
  readonly name: string
  readonly partitions: number
  readonly settings: TopicSettings
}

/** What this room needs of a Kafka admin client. */
export interface TopicAdmin {
  readonly listTopics: () => Promise<readonly string[]>
  readonly describeTopics: (names: readonly string[]) => Promise<ReadonlyMap<string, FoundTopic>>
  /** Resolves when every partition has a leader. A topic that exists already is no error. */
  readonly createTopics: (topics: readonly NewTopic[]) => Promise<void>
  readonly alterSettings: (topic: string, settings: TopicSettings) => Promise<void>
}

export interface TopicServers {
  readonly admin: TopicAdmin
  readonly registry: SubjectRegistry
}

export interface ApplyOptions {
  readonly dryRun?: boolean
  readonly onStep?: (step: Step) => void
}

export interface ApplyResult extends Plan {
  /** False for a dry run and when anything was refused. */
  readonly applied: boolean
}

export const readFound = async (
  wanted: readonly WantedTopic[],
  { admin, registry }: TopicServers,
): Promise<Found> => {
  const present = new Set(await admin.listTopics())
  const known = wanted.map(({ name }) => name).filter((name) => present.has(name))
  const subjects = wanted.flatMap(({ subject }) => (subject === undefined ? [] : [subject.name]))
  const [topics, found] = await Promise.all([
    known.length === 0 ? new Map<string, FoundTopic>() : admin.describeTopics(known),
    Promise.all(subjects.map(async (name) => [name, await registry.find(name)] as const)),
  ])
  return {
    topics,
    subjects: new Map(found.flatMap(([name, each]) => (each === undefined ? [] : [[name, each]]))),
  }
}

export const applyTopics = async (
  wanted: readonly WantedTopic[],
  servers: TopicServers,
  { dryRun = false, onStep }: ApplyOptions = {},
): Promise<ApplyResult> => {
  const plan = planTopics(wanted, await readFound(wanted, servers))
  if (dryRun || plan.refusals.length > 0) return { ...plan, applied: false }
  // Schemas first: whoever sees a topic can encode for it.
  for (const step of [...plan.steps].sort((a, b) => ORDER[a.kind] - ORDER[b.kind])) {
    if (step.kind === 'create-topic') continue
    await take(step, servers)
    onStep?.(step)
  }
  const creations = plan.steps.filter((step) => step.kind === 'create-topic')
  if (creations.length > 0) {
    await servers.admin.createTopics(
      creations.map(({ topic, ...rest }) => ({ name: topic, ...rest })),
    )
    for (const step of creations) onStep?.(step)
  }
  return { ...plan, applied: true }
}

const ORDER: Readonly<Record<Step['kind'], number>> = {
  'set-compatibility': 0,
  'register-schema': 1,
  'alter-topic': 2,
  'create-topic': 3,
}

const take = async (
  step: Exclude<Step, { kind: 'create-topic' }>,
  { admin, registry }: TopicServers,
): Promise<void> => {
  switch (step.kind) {
    case 'register-schema':
      await registry.register(step)
      return
    case 'set-compatibility':
      await registry.setCompatibility(step.subject, step.compatibility)
      return
    case 'alter-topic':
      await admin.alterSettings(step.topic, step.settings)
  }
}
