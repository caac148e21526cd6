import type { Anomaly } from '../../../schemas/generated/signals-anomalies.ts'

const noon = Date.UTC(2026, 0, 31, 12)

export const testAnomaly = (part: Partial<Anomaly> = {}): Anomaly => ({
  id: 'episode',
  revision: 1,
  phase: 'open',
  tenant: 'default',
  series: '0'.repeat(32),
  name: 'system.cpu.utilization',
  labels: { host: 'web-1' },
  service: null,
  kind: 'metric',
  timestamp: noon,
  start: noon,
  peak: noon,
  end: null,
  value: 0.9,
  peakValue: 0.9,
  expected: 0.3,
  lower: 0.2,
  upper: 0.4,
  score: 6,
  severity: 'critical',
  detector: 'zscore',
  detectorVersion: 1,
  configVersion: 0,
  configHash: 'abc',
  evidence: [],
  message: 'cpu of web-1 is 0.9 where 0.3 is usual',
  ...part,
})
