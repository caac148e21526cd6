/** The parts of the stack, each with the question that shows whether it works. */
import type { RegistryAnswer } from '../../pipelines/runtime/kafka/registry-http.ts'
import { Problem } from '../shared/problem.ts'
import type { Identity } from '../shared/identity/identity.ts'
import type { Probe, ProbeFinding } from './readiness.ts'
import type { Storage } from './queries/storage.ts'

const answerCharacters = 200

/** Another process of ours, asked for its own /readyz. */
export const processProbe = (name: string, baseUrl: string): Probe => ({
  name,
  remedy: `see the log of ${name}; \`npx millrace status\` shows whether it runs`,
  async check(signal) {
    const response = await fetch(new URL('/readyz', baseUrl), { signal })
    const text = await response.text()
    if (response.ok) return { state: 'ready', detail: 'ready' }
    return { state: 'degraded', detail: reasonIn(text) ?? `answers ${response.status}` }
  },
})

/** `{"reason": "..."}`, as our processes answer. */
const reasonIn = (text: string): string | undefined => {
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body !== 'object' || body === null || !('reason' in body)) return undefined
    return typeof body.reason === 'string' ? body.reason.slice(0, answerCharacters) : undefined
  } catch {
    return undefined
  }
}

/** `listSubjects` asks the registry for the names of what is registered. */
export const registryProbe = (listSubjects: () => Promise<RegistryAnswer>): Probe => ({
  name: 'registry',
  remedy: 'start the schema registry, or correct SCHEMA_REGISTRY_URL and its login',
  async check() {
    const answer = await listSubjects()
    const subjects = answer.kind === 'ok' ? answer.body : undefined
    if (!Array.isArray(subjects)) {
      return { state: 'failed', detail: 'answers /subjects with something that is no list' }
    }
    if (subjects.length > 0) return { state: 'ready', detail: `${subjects.length} subjects` }
    return {
      state: 'failed',
      detail: 'reachable, but holds no schema',
      remedy: 'run `npx millrace topics apply`',
    }
  },
})

export const identityProbe = (identity: Identity): Probe => ({
  name: 'keys',
  remedy: 'they are read from Kafka; see there, and run `npx millrace topics apply`',
  check() {
    const ready = identity.ready()
    const isReady = ready === true
    const finding: ProbeFinding = isReady
      ? { state: 'ready', detail: 'API keys are loaded' }
      : { state: 'failed', detail: ready }
    return Promise.resolve(finding)
  },
})

export const clickhouseProbe = (storage: Storage): Probe => ({
  name: 'clickhouse',
  remedy: 'start ClickHouse, or correct CLICKHOUSE_URL and its login',
  async check() {
    try {
      const rows = await storage.rows<{ version: string }>({ sql: 'SELECT version() AS version' })
      return { state: 'ready', detail: `version ${rows[0]?.version ?? 'unknown'}` }
    } catch (error) {
      // It answers; that its database does not exist yet is for the probe of the migrations to say.
      const answers = error instanceof Problem && error.code === 'storage-not-prepared'
      if (answers) return { state: 'ready', detail: 'reachable' }
      throw error
    }
  },
})

/** `pending` names the migrations that ClickHouse has not seen yet. */
export const migrationsProbe = (pending: () => Promise<readonly string[]>): Probe => ({
  name: 'migrations',
  remedy: 'the sink applies them when it starts; see its log',
  async check(): Promise<ProbeFinding> {
    const missing = await pending()
    if (missing.length === 0) return { state: 'ready', detail: 'all applied' }
    return { state: 'failed', detail: `not applied yet: ${missing.join(', ')}` }
  },
})

/** `describe` asks the brokers for the cluster: how many there are, and which topics are missing. */
export const kafkaProbe = (
  describe: (signal: AbortSignal) => Promise<{ brokers: number; missingTopics: readonly string[] }>,
): Probe => ({
  name: 'kafka',
  remedy: 'start Kafka, or correct KAFKA_BROKERS and its login',
  async check(signal): Promise<ProbeFinding> {
    const { brokers, missingTopics } = await describe(signal)
    if (missingTopics.length === 0) {
      return { state: 'ready', detail: brokers === 1 ? '1 broker' : `${brokers} brokers` }
    }
    return {
      state: 'failed',
      detail: `topics are missing: ${missingTopics.join(', ')}`,
      remedy: 'run `npx millrace topics apply`',
    }
  },
})
