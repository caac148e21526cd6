/** Pieces of SQL that several queries share. Values travel as query parameters, never as text. */
import type { TimeRange } from '../time-range.ts'
import type { QueryParameter } from './storage.ts'

/** Conditions joined by AND, each with the parameters it needs. */
export interface Condition {
  readonly sql: string
  readonly params?: Readonly<Record<string, QueryParameter>>
}

/** Leaves out what was not asked for. */
export const conditions = (...given: readonly (Condition | undefined)[]): Required<Condition> => {
  const present = given.filter((condition) => condition !== undefined)
  return {
    sql: present.map((condition) => `(${condition.sql})`).join(' AND ') || 'true',
    params: Object.assign({}, ...present.map((condition) => condition.params ?? {})) as Record<
      string,
      QueryParameter
    >,
  }
}

export const equals = (column: string, value: string | undefined): Condition | undefined =>
  value === undefined
    ? undefined
    : { sql: `${column} = {${column}:String}`, params: { [column]: value } }

export const timeOf = (parameter: string): string =>
  `fromUnixTimestamp64Milli({${parameter}:Int64}, 'UTC')`

export const within = (column: string, { fromMs, toMs }: TimeRange): Condition | undefined => {
  const parts = [
    fromMs === undefined ? [] : [`${column} >= ${timeOf('from_ms')}`],
    toMs === undefined ? [] : [`${column} < ${timeOf('to_ms')}`],
  ].flat()
  if (parts.length === 0) return undefined
  return {
    sql: parts.join(' AND '),
    params: {
      ...(fromMs === undefined ? {} : { from_ms: fromMs }),
      ...(toMs === undefined ? {} : { to_ms: toMs }),
    },
  }
}

export const millis = (column: string, name: string): string =>
  `toUnixTimestamp64Milli(${column}) AS ${name}`

/** Rows of the tenant `tenants`, or of all when that is `*`. */
export const ofTenants = `({tenants:String} = '*' OR tenant = {tenants:String})`
