/**
 * The catalogue: every topic that is written or read by some part of Millrace today.
 *
 * Retention here is what a local installation gets: two days, and in bytes so bounded that all
 * topics together, open segments included, stay below LOCAL_BUDGET_BYTES.
 */
import { SchemaError } from './errors.ts'
import { configEntrySchema, type ConfigEntry } from './generated/control-config.ts'
import { keyEntrySchema, type KeyEntry } from './generated/control-keys.ts'
import { tenantSeenSchema, type TenantSeen } from './generated/control-tenants.ts'
import { tickSchema, type Tick } from './generated/control-ticks.ts'
import { anomalySchema, type Anomaly } from './generated/signals-anomalies.ts'
import { baselineSchema, type Baseline } from './generated/signals-baselines.ts'
import { rollupSchema, type Rollup } from './generated/signals-rollups.ts'
import { alertSchema, type Alert } from './generated/telemetry-alerts.ts'
import { costRecordSchema, type CostRecord } from './generated/telemetry-costs.ts'
import { deploymentEventSchema, type DeploymentEvent } from './generated/telemetry-deployments.ts'
import { logEntrySchema, type LogEntry } from './generated/telemetry-logs.ts'
import { metricPointSchema, type MetricPoint } from './generated/telemetry-metrics.ts'
import { spanSchema, type Span } from './generated/telemetry-spans.ts'
import { compositeKey, seriesKey } from './series-key.ts'
import { defineTopic, type AnyTopic, type Retention } from './topic.ts'

const DAY_MS = 86_400_000
const MIB = 1024 * 1024

/** Partitions of a `spread` topic unless the installation says otherwise. */
export const LOCAL_PARTITIONS = 4
/** What all topics of the catalogue together may take on a local disk. */
export const LOCAL_BUDGET_BYTES = 5_000_000_000

const KEEP_FOR_EVER: Retention = { cleanup: 'delete', ms: -1, bytes: -1 }
const SERIES_KEY_TEXT =
  'UTF-8 of tenant U+001F name U+001F label=value U+001F ..., labels sorted by code unit; ' +
  'U+001F is not allowed in any part, nor = in a label name.'

const days = (count: number, partitionMib: number): Retention => ({
  cleanup: 'delete',
  ms: count * DAY_MS,
  bytes: partitionMib * MIB,
})

export const telemetryMetrics = defineTopic<MetricPoint>({
  name: 'telemetry.metrics',
  summary: 'One point of one metric series.',
  schema: metricPointSchema,
  keyOf: seriesKey,
  keyText: SERIES_KEY_TEXT,
  tenantOf: ({ tenant }) => tenant,
  eventTime: { field: 'timestamp', unit: 'ms' },
  finiteFields: ['value'],
  partitions: 'spread',
  retention: days(2, 256),
  compatibility: 'BACKWARD_TRANSITIVE',
  owner: 'producers',
  flow: 'in',
})

export const telemetryLogs = defineTopic<LogEntry>({
  name: 'telemetry.logs',
  summary: 'One log entry of one service.',
  schema: logEntrySchema,
  keyOf: ({ tenant, service }) => compositeKey(tenant, service),
  keyText: 'UTF-8 of tenant U+001F service.',
  tenantOf: ({ tenant }) => tenant,
  eventTime: { field: 'timestamp', unit: 'ms' },
  finiteFields: [],
  partitions: 'spread',
  retention: days(2, 64),
  compatibility: 'BACKWARD_TRANSITIVE',
  owner: 'producers',
  flow: 'in',
})

export const telemetrySpans = defineTopic<Span>({
  name: 'telemetry.spans',
  summary: 'One span of a trace, or one request seen by a service.',
  schema: spanSchema,
  // With the tenant, or one tenant could add to the traces of another.
  keyOf: ({ tenant, traceId }) => compositeKey(tenant, traceId),
  keyText: 'UTF-8 of tenant U+001F trace id.',
  tenantOf: ({ tenant }) => tenant,
  eventTime: { field: 'start', unit: 'us' },
  finiteFields: [],
  partitions: 'spread',
  retention: days(2, 96),
  compatibility: 'BACKWARD_TRANSITIVE',
  owner: 'producers',
  flow: 'in',
})

export const telemetryDeployments = defineTopic<DeploymentEvent>({
  name: 'telemetry.deployments',
  summary: 'Deployments and other changes of services, each time their status changes.',
  schema: deploymentEventSchema,
  keyOf: ({ tenant, service }) => compositeKey(tenant, service),
  keyText: 'UTF-8 of tenant U+001F service.',
  tenantOf: ({ tenant }) => tenant,
  eventTime: { field: 'timestamp', unit: 'ms' },
  finiteFields: [],
  partitions: 'spread',
  retention: days(30, 8),
  compatibility: 'BACKWARD_TRANSITIVE',
  owner: 'producers',
  flow: 'in',
})

export const telemetryAlerts = defineTopic<Alert>({
  name: 'telemetry.alerts',
  summary: 'Alerts of other systems: that they fire, and that they are resolved.',
  schema: alertSchema,
  keyOf: ({ tenant, fingerprint }) => compositeKey(tenant, fingerprint),
  keyText: 'UTF-8 of tenant U+001F fingerprint.',
  tenantOf: ({ tenant }) => tenant,
  eventTime: { field: 'timestamp', unit: 'ms' },
  finiteFields: [],
  partitions: 'spread',
  retention: days(2, 8),
  compatibility: 'BACKWARD_TRANSITIVE',
  owner: 'producers',
  flow: 'in',
})

export const telemetryCosts = defineTopic<CostRecord>({
  name: 'telemetry.costs',
  summary: 'Rows of bills, in the columns of FOCUS: estimates, what was billed, and corrections.',
  schema: costRecordSchema,
  keyOf: ({ tenant, subAccountId, billingAccountId, serviceName }) =>
    compositeKey(tenant, subAccountId ?? billingAccountId, serviceName),
  keyText: 'UTF-8 of tenant U+001F sub-account, else billing account U+001F serviceName.',
  tenantOf: ({ tenant }) => tenant,
  eventTime: { field: 'chargePeriodStart', unit: 'ms' },
  finiteFields: [],
  partitions: 'spread',
  retention: days(30, 16),
  compatibility: 'BACKWARD_TRANSITIVE',
  owner: 'producers',
  flow: 'in',
})

export const controlTicks = defineTopic<Tick>({
  name: 'control.ticks',
  summary: 'Time: one record per partition, tenant and 5 s of event time.',
  schema: tickSchema,
  keyOf: ({ tenant }) => compositeKey(tenant),
  keyText:
    'UTF-8 of the tenant. Written to every partition explicitly, whatever the key hashes to.',
  tenantOf: ({ tenant }) => tenant,
  eventTime: { field: 'timestamp', unit: 'ms' },
  finiteFields: [],
  partitions: 'spread',
  retention: days(2, 32),
  compatibility: 'BACKWARD_TRANSITIVE',
  owner: 'services/host and whoever drives the clock of a tenant',
  flow: 'both',
})

export const controlTenants = defineTopic<TenantSeen>({
  name: 'control.tenants',
  summary: 'Tenants that send live telemetry: those whose clock is the wall clock.',
  schema: tenantSeenSchema,
  keyOf: ({ tenant }) => compositeKey(tenant),
  keyText: 'UTF-8 of the tenant.',
  tenantOf: ({ tenant }) => tenant,
  eventTime: { field: 'timestamp', unit: 'ms' },
  finiteFields: [],
  // Who beats the clock reads all of it.
  partitions: 1,
  retention: { ...days(2, 8), cleanup: 'compact,delete' },
  compatibility: 'BACKWARD_TRANSITIVE',
  owner: 'services/gateway',
  flow: 'both',
})

export const controlConfig = defineTopic<ConfigEntry>({
  name: 'control.config',
  summary: 'Configuration changes, kept for ever; the latest per tenant and scope is in force.',
  schema: configEntrySchema,
  keyOf: ({ tenant, scope }) => compositeKey(tenant, scope),
  keyText: 'UTF-8 of tenant U+001F scope.',
  tenantOf: ({ tenant }) => tenant,
  eventTime: { field: 'timestamp', unit: 'ms' },
  finiteFields: [],
  // Every task reads all of it; one partition gives all tasks one order of changes.
  partitions: 1,
  retention: KEEP_FOR_EVER,
  compatibility: 'BACKWARD_TRANSITIVE',
  owner: 'operators',
  flow: 'both',
})

export const controlKeys = defineTopic<KeyEntry>({
  name: 'control.keys',
  summary: 'API keys as they were created and revoked, hashed, kept for ever.',
  schema: keyEntrySchema,
  keyOf: ({ tenant, id }) => compositeKey(tenant, id),
  keyText: 'UTF-8 of tenant U+001F id.',
  tenantOf: ({ tenant }) => tenant,
  eventTime: { field: 'timestamp', unit: 'ms' },
  finiteFields: [],
  // One order of changes: a key is revoked after it was created, never before.
  partitions: 1,
  retention: KEEP_FOR_EVER,
  compatibility: 'BACKWARD_TRANSITIVE',
  owner: 'millrace keys',
  flow: 'both',
})

export const signalsRollups = defineTopic<Rollup>({
  name: 'signals.rollups',
  summary: 'What each series did in each minute: count, sum, min, max, mean and a quantile sketch.',
  schema: rollupSchema,
  keyOf: seriesKey,
  keyText: SERIES_KEY_TEXT,
  tenantOf: ({ tenant }) => tenant,
  eventTime: { field: 'windowStart', unit: 'ms' },
  finiteFields: ['sum', 'min', 'max', 'mean'],
  partitions: 'spread',
  retention: days(2, 96),
  compatibility: 'BACKWARD_TRANSITIVE',
  owner: 'pipelines/rollups',
  flow: 'out',
})

export const signalsBaselines = defineTopic<Baseline>({
  name: 'signals.baselines',
  summary: 'The band in which each series is expected; the latest per series is in force.',
  schema: baselineSchema,
  keyOf: seriesKey,
  keyText: SERIES_KEY_TEXT,
  tenantOf: ({ tenant }) => tenant,
  eventTime: { field: 'timestamp', unit: 'ms' },
  finiteFields: ['expected', 'lower', 'upper', 'spread'],
  partitions: 'spread',
  retention: { ...days(2, 48), cleanup: 'compact,delete' },
  compatibility: 'BACKWARD_TRANSITIVE',
  owner: 'pipelines/anomalies',
  flow: 'out',
})

export const signalsAnomalies = defineTopic<Anomaly>({
  name: 'signals.anomalies',
  summary: 'Episodes in which a series left its band, as revisions: begin, peaks, end.',
  schema: anomalySchema,
  keyOf: seriesKey,
  keyText: SERIES_KEY_TEXT,
  tenantOf: ({ tenant }) => tenant,
  eventTime: { field: 'timestamp', unit: 'ms' },
  finiteFields: ['value', 'peakValue', 'expected', 'lower', 'upper', 'score'],
  partitions: 'spread',
  retention: days(2, 32),
  compatibility: 'BACKWARD_TRANSITIVE',
  owner: 'pipelines/anomalies',
  flow: 'out',
})

export const allTopics: readonly AnyTopic[] = [
  telemetryMetrics,
  telemetryLogs,
  telemetrySpans,
  telemetryDeployments,
  telemetryAlerts,
  telemetryCosts,
  controlTicks,
  controlTenants,
  controlConfig,
  controlKeys,
  signalsRollups,
  signalsBaselines,
  signalsAnomalies,
]

export const findTopic = (name: string): AnyTopic | undefined =>
  allTopics.find((topic) => topic.name === name)

export const topicNamed = (name: string): AnyTopic => {
  const topic = findTopic(name)
  if (topic !== undefined) return topic
  const known = allTopics.map((each) => each.name).join(', ')
  throw new SchemaError('TOPIC_UNKNOWN', `'${name}' is not in the catalogue; known: ${known}.`)
}
