/**
 * Subjects, versions and compatibility rules of a Confluent-compatible registry over HTTP. Reading
 * and writing records needs none of this; it is the part of the API that administration uses and
 * that client libraries leave out.
 */
import type { AvroSchema, Compatibility } from '../../schemas/topic.ts'
import { retry } from '../shared/retry.ts'
import type { RegisteredVersion } from './compatibility.ts'
import type { FoundSubject } from './plan.ts'
import { TopicsError } from './topics-error.ts'

export interface SubjectRegistryOptions {
  readonly url: string
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly requestTimeoutMs?: number
  /** How long a registry that does not answer is asked again. */
  readonly deadlineMs?: number
}

export interface SubjectRegistry {
  /** Undefined when the registry has never seen the subject. */
  readonly find: (subject: string) => Promise<FoundSubject | undefined>
  readonly register: (subject: string, schema: AvroSchema) => Promise<number>
  readonly setCompatibility: (subject: string, rule: Compatibility) => Promise<void>
}

const MEDIA_TYPE = 'application/vnd.schemaregistry.v1+json'
export const subjectRegistry = (options: SubjectRegistryOptions): SubjectRegistry => {
  const call = caller(options)
  const compatibilityOf = async (subject: string): Promise<string | null> => {
    const answer = await call('GET', `/config/${encodeURIComponent(subject)}`)
    return answer === undefined ? null : text(answer, 'compatibilityLevel')
  }
  const versionsOf = async (subject: string): Promise<RegisteredVersion[] | undefined> => {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`
    const numbers = await call('GET', path)
    if (!Array.isArray(numbers)) return undefined
    return Promise.all(
      numbers.map(async (version: unknown) => {
        const answer = await call('GET', `${path}/${String(version)}`)
        const schema = JSON.parse(text(answer, 'schema')) as AvroSchema
        return { version: Number(version), id: integer(answer, 'id'), schema }
      }),
    )
  }
  return {
    find: async (subject) => {
      const versions = await versionsOf(subject)
      if (versions === undefined) return undefined
      return { versions, compatibility: await compatibilityOf(subject) }
    },
    register: async (subject, schema) => {
      const path = `/subjects/${encodeURIComponent(subject)}/versions`
      return integer(await call('POST', path, { schema: JSON.stringify(schema) }), 'id')
    },
    setCompatibility: async (subject, compatibility) => {
      await call('PUT', `/config/${encodeURIComponent(subject)}`, { compatibility })
    },
  }
}

type Call = (method: string, path: string, body?: unknown) => Promise<unknown>

/** Answers undefined for 404; every call here may be repeated safely. */
const caller = (options: SubjectRegistryOptions): Call => {
  const { url, username, password, requestTimeoutMs = 10_000, deadlineMs = 15_000 } = options
  const headers: Record<string, string> = { accept: MEDIA_TYPE, 'content-type': MEDIA_TYPE }
  if (username !== undefined) {
    const credentials = Buffer.from(`${username}:${password ?? ''}`).toString('base64')
    headers['authorization'] = `Basic ${credentials}`
  }
  return (method, path, body) =>
    retry({
      what: `the schema registry at ${url}`,
      deadlineMs,
      attempt: async () => {
        const response = await fetch(url.replace(/\/$/, '') + path, {
          method,
          headers,
          signal: AbortSignal.timeout(requestTimeoutMs),
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        })
        if (response.status >= 500) throw new Error(`HTTP ${String(response.status)}`)
        return answerOf(response, `${method} ${path}`)
      },
    })
}

const answerOf = async (response: Response, what: string): Promise<unknown> => {
  if (response.status === 404) return undefined
  if (response.ok) return response.json()
  const detail = (await response.text()).slice(0, 2000)
  throw new TopicsError(
    'REGISTRY_REFUSED',
    `The schema registry answered ${String(response.status)} to ${what}: ${detail}`,
  )
}

const member = (answer: unknown, key: string): unknown =>
  typeof answer === 'object' && answer !== null ? Reflect.get(answer, key) : undefined

const text = (answer: unknown, key: string): string => {
  const value = member(answer, key)
  if (typeof value === 'string') return value
  throw new TopicsError('REGISTRY_REFUSED', `The schema registry's answer has no text '${key}'.`)
}

const integer = (answer: unknown, key: string): number => {
  const value = member(answer, key)
  if (Number.isInteger(value)) return Number(value)
  throw new TopicsError('REGISTRY_REFUSED', `The schema registry's answer has no integer '${key}'.`)
}
