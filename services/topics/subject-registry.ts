/**
 * Subjects, their versions and compatibility rules: the part of the registry's API that
 * administration uses, and readers and writers of records do not.
 */
import {
  askRegistry,
  type RegistryConnection,
  type RegistryRequest,
} from '../../pipelines/runtime/kafka/registry-http.ts'
import { registerSchema } from '../../pipelines/runtime/kafka/registry-package.ts'
import type { AvroSchema, Compatibility } from '../../schemas/topic.ts'
import { retry } from '../shared/retry.ts'
import type { RegisteredVersion } from './compatibility.ts'
import type { FoundSubject } from './plan.ts'

export interface SubjectRegistryOptions extends RegistryConnection {
  /** How long a registry that does not answer is asked again. */
  readonly deadlineMs?: number
}

export interface NewVersion {
  readonly subject: string
  readonly schema: AvroSchema
  readonly compatibility: Compatibility
}

export interface SubjectRegistry {
  /** Undefined when the registry has never seen the subject. */
  readonly find: (subject: string) => Promise<FoundSubject | undefined>
  /** Under a rule that is set already. */
  readonly register: (version: NewVersion) => Promise<void>
  readonly setCompatibility: (subject: string, rule: Compatibility) => Promise<void>
}

export const subjectRegistry = ({
  deadlineMs = 15_000,
  ...connection
}: SubjectRegistryOptions): SubjectRegistry => {
  /** Every exchange here may be repeated. */
  const patiently = <Result>(attempt: () => Promise<Result>): Promise<Result> =>
    retry({ what: `the schema registry at ${connection.url}`, deadlineMs, attempt })
  /** Undefined for what the registry does not have. */
  const ask = (request: RegistryRequest): Promise<unknown> =>
    patiently(async () => {
      const answer = await askRegistry(connection, request)
      return answer.kind === 'ok' ? answer.body : undefined
    })
  const compatibilityOf = async (subject: string): Promise<string | null> => {
    const answer = await ask({ method: 'GET', path: ['config', subject] })
    return answer === undefined ? null : String(member(answer, 'compatibilityLevel'))
  }
  const versionsOf = async (subject: string): Promise<RegisteredVersion[] | undefined> => {
    const path = ['subjects', subject, 'versions']
    const numbers = await ask({ method: 'GET', path })
    if (!Array.isArray(numbers)) return undefined
    return Promise.all(
      numbers.map(async (version: unknown) => {
        const answer = await ask({ method: 'GET', path: [...path, Number(version)] })
        const schema = JSON.parse(String(member(answer, 'schema'))) as AvroSchema
        return { version: Number(version), id: Number(member(answer, 'id')), schema }
      }),
    )
  }
  return {
    find: async (subject) => {
      const versions = await versionsOf(subject)
      if (versions === undefined) return undefined
      return { versions, compatibility: await compatibilityOf(subject) }
    },
    register: async (version) => {
      await patiently(() => registerSchema(connection, version))
    },
    setCompatibility: async (subject, compatibility) => {
      await ask({ method: 'PUT', path: ['config', subject], body: { compatibility } })
    },
  }
}

const member = (answer: unknown, key: string): unknown =>
  typeof answer === 'object' && answer !== null ? Reflect.get(answer, key) : undefined
