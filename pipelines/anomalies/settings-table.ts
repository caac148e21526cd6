/**
 * `control.config`, scope `detectors`, folded into the rules in force for each tenant.
 *
 * T1: a tenant's own entry is in force; without one, that of the tenant `default`; without that,
 *     the shipped rules. So a replay is judged as live input is, unless it is given other rules.
 * T2: an entry that is not valid changes nothing: what was in force stays. It is remembered until
 *     a valid one comes, for whoever asks and for the evidence of every anomaly meanwhile.
 */

import type { ConfigEntry } from '../../schemas/generated/control-config.ts'
import { parseSettings, ruleSetOf, type RuleSet } from './settings.ts'
import { shippedSettings } from './shipped-settings.ts'

export const DETECTORS_SCOPE = 'detectors'
const DEFAULT_TENANT = 'default'

/** An entry that was not applied. */
export interface RejectedEntry {
  readonly version: number
  readonly reason: string
}

interface TenantSettings {
  readonly inForce: RuleSet | undefined
  readonly rejected: RejectedEntry | undefined
}

export type SettingsTable = ReadonlyMap<string, TenantSettings>

export const emptySettingsTable: SettingsTable = new Map()

const shippedRules = ruleSetOf({ rules: [] }, shippedSettings, 0)

/** Folds one entry into the table; entries of other scopes leave it as it is. */
export const foldSettings = (table: SettingsTable, entry: ConfigEntry): SettingsTable => {
  if (entry.scope !== DETECTORS_SCOPE) return table
  const parsed = parseSettings(entry.body)
  const before = table.get(entry.tenant)
  const after: TenantSettings =
    parsed.kind === 'valid'
      ? { inForce: ruleSetOf(parsed.settings, shippedSettings, entry.version), rejected: undefined }
      : {
          inForce: before?.inForce,
          rejected: { version: entry.version, reason: parsed.reason }, // T2
        }
  return new Map(table).set(entry.tenant, after)
}

/** The rules in force for a tenant (T1). */
export const rulesFor = (table: SettingsTable, tenant: string): RuleSet =>
  table.get(tenant)?.inForce ?? table.get(DEFAULT_TENANT)?.inForce ?? shippedRules

/** The newest entry that should be in force for the tenant and is not. */
export const rejectedFor = (table: SettingsTable, tenant: string): RejectedEntry | undefined => {
  const own = table.get(tenant)
  if (own?.rejected !== undefined || own?.inForce !== undefined) return own.rejected
  return table.get(DEFAULT_TENANT)?.rejected
}
