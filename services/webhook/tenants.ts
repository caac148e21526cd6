/**
 * Whose anomalies are posted: names with the wildcards that detector rules know, `!` before one that
 * is left out. A tenant is wanted when a pattern takes it and none leaves it out.
 */
import { matchesGlob } from '../../pipelines/anomalies/glob.ts'

export const isWanted = (tenant: string, patterns: readonly string[]): boolean =>
  patterns.some((pattern) => !pattern.startsWith('!') && matchesGlob(pattern, tenant)) &&
  !patterns.some((pattern) => pattern.startsWith('!') && matchesGlob(pattern.slice(1), tenant))
