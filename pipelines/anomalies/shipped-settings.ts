/**
 * The rules every installation starts with; an entry in `control.config` is asked first.
 *
 * Most series: z-score at its textbook thresholds. What a machine says about itself every few
 * seconds (`system.*`, `process.*`, as OpenTelemetry names them) has bursts as its normal state: at
 * 2.5 deviations it would cry all day. Those series need twice the distance and a change of a
 * quarter of what is usual.
 */

import type { RuleSettings, Settings } from './settings.ts'

const machine: RuleSettings = { detector: 'zscore', sensitivity: 0.5, minRelativeChange: 0.25 }

export const shippedSettings: Settings = {
  rules: [
    { match: { name: 'system.*' }, ...machine },
    { match: { name: 'process.*' }, ...machine },
    { match: { name: '*' }, detector: 'zscore' },
  ],
}
