/**
 * The configuration of a backtest's candidate: entries of `control.config` that stand in for the
 * recorded ones of their scope.
 *
 * A file holds one entry, `{"scope", "body", "tenant"?}`, a list of such entries, or just the body
 * of the one scope that the pipeline reads. `tenant` is `default` unless given: it applies to every
 * tenant without an entry of its own, and recorded entries are no more, whatever their tenant.
 */
import { DETECTORS_SCOPE } from '../../pipelines/anomalies/settings-table.ts'
import { parseSettings } from '../../pipelines/anomalies/settings.ts'
import type { Pipeline } from '../../pipelines/runtime/index.ts'
import type { ConfigEntry } from '../../schemas/generated/control-config.ts'
import { controlConfig } from '../../schemas/topics.ts'
import { messageOf, usageError } from '../shared/errors.ts'

export type ConfigOverride = Pick<ConfigEntry, 'scope' | 'tenant' | 'body'>

/** Says what is wrong with a body; undefined: nothing. */
type BodyCheck = (body: string) => string | undefined

/** The scopes that pipelines read, and who checks their bodies. */
const scopes: Readonly<Record<string, { readonly pipeline: string; readonly check: BodyCheck }>> = {
  [DETECTORS_SCOPE]: {
    pipeline: 'anomalies',
    check(body) {
      const parsed = parseSettings(body)
      return parsed.kind === 'invalid' ? parsed.reason : undefined
    },
  },
}

/**
 * @throws ServiceError USAGE_INVALID naming the field that is wrong
 */
export const parseOverrides = (
  text: string,
  { pipeline, file }: { readonly pipeline: string; readonly file: string },
): ConfigOverride[] => {
  const known = Object.keys(scopes).filter((scope) => scopes[scope]?.pipeline === pipeline)
  const [only] = known
  if (only === undefined) {
    throw usageError(`The pipeline '${pipeline}' reads no configuration; leave --with out.`)
  }
  const document = parseJson(text, file)
  const entries = Array.isArray(document) ? (document as unknown[]) : [document]
  if (entries.length === 0) throw usageError(`${file}: the list holds no entry.`)
  return entries.map((entry, index) => {
    const where = Array.isArray(document) ? `${file}: [${index}]` : file
    const override = toOverride(entry, { only, where })
    if (!known.includes(override.scope)) {
      throw usageError(
        `${where}: the pipeline '${pipeline}' reads no scope '${override.scope}'; it reads: ${known.join(', ')}.`,
      )
    }
    const fault = scopes[override.scope]?.check(override.body)
    if (fault !== undefined) throw usageError(`${where}: ${fault}.`)
    return override
  })
}

const parseJson = (text: string, file: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw usageError(`${file} is not JSON: ${messageOf(error)}`, error)
  }
}

const FIELDS = ['scope', 'tenant', 'body']

const toOverride = (
  entry: unknown,
  { only, where }: { readonly only: string; readonly where: string },
): ConfigOverride => {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    throw usageError(`${where} must be an object.`)
  }
  if (!('scope' in entry)) {
    return { scope: only, tenant: 'default', body: JSON.stringify(entry) }
  }
  const unknown = Object.keys(entry).find((field) => !FIELDS.includes(field))
  if (unknown !== undefined) {
    throw usageError(`${where}: '${unknown}' is no field of an entry; it has ${FIELDS.join(', ')}.`)
  }
  const { scope, tenant = 'default', body } = entry as Record<string, unknown>
  if (typeof scope !== 'string') throw usageError(`${where}: scope must be a string.`)
  if (typeof tenant !== 'string' || tenant === '') {
    throw usageError(`${where}: tenant must be a string that is not empty.`)
  }
  if (body === undefined) throw usageError(`${where}: body is missing.`)
  return { scope, tenant, body: typeof body === 'string' ? body : JSON.stringify(body) }
}

/** The same pipeline, to which the given entries are all there is of their scopes. */
export const withConfig = (pipeline: Pipeline, overrides: readonly ConfigOverride[]): Pipeline => {
  const replaced = new Set(overrides.map(({ scope }) => scope))
  const entries: ConfigEntry[] = overrides.map((override) => ({
    ...override,
    ...{ timestamp: 0, version: 0, actor: 'backtest', reason: null },
  }))
  const globals = Object.entries(pipeline.globals).map(([name, table]) => {
    if (table.topic.name !== controlConfig.name) return [name, table] as const
    const fold = (state: unknown, entry: ConfigEntry): unknown =>
      replaced.has(entry.scope) ? state : (table.fold(state, entry) as unknown)
    const empty = entries.reduce<unknown>(
      (state, entry) => table.fold(state, entry) as unknown,
      table.empty,
    )
    return [name, { ...table, empty, fold }] as const
  })
  return { ...pipeline, globals: Object.fromEntries(globals) }
}
