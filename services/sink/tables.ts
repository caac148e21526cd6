/**
 * Which topic goes to which table, as data. A new topic is a migration and an entry here.
 *
 * The keys of `columns` are the table's columns; `from` says how the value is found in the decoded
 * record. Columns of origin (`_topic_id`, `_partition`, `_offset`, `_ingested_at`) are the block's.
 */
import { seriesId, seriesKey, type SeriesIdentity } from '../../schemas/series-key.ts'
import type { AnyTopic, Topic } from '../../schemas/topic.ts'
import {
  signalsAnomalies,
  signalsBaselines,
  signalsRollups,
  telemetryAlerts,
  telemetryCosts,
  telemetryDeployments,
  telemetryLogs,
  telemetryMetrics,
  telemetrySpans,
} from '../../schemas/topics.ts'
import {
  arrayOf,
  blob,
  bool,
  count,
  decimal,
  float64,
  hexId,
  instantMs,
  instantUs,
  int32,
  int64,
  nullable,
  snakeCase,
  text,
  textMap,
  tupleOf,
  type ColumnType,
} from './column-types.ts'

export type DecodedRecord = Readonly<Record<string, unknown>>

export interface Column {
  readonly name: string
  readonly type: ColumnType
  readonly from: (record: DecodedRecord) => unknown
}

export interface SinkTable {
  readonly table: string
  readonly topic: AnyTopic
  /** Fields that differ from record to record; what follows them in the bytes repeats per series. */
  readonly hotFields: readonly string[]
  /** In the order of the hot fields, then the rest. */
  readonly columns: readonly Column[]
}

const field = (name: string, type: ColumnType): Column => ({
  name: snakeCase(name),
  type,
  from: (record) => record[name],
})

/** Raw points carry no id: it is derived here as the pipelines derive it. */
const derivedSeries: Column = {
  name: 'series',
  type: hexId,
  from: (record) => seriesId(seriesKey(record as unknown as SeriesIdentity)),
}

/** The tenant of a record; one that makes no key of its topic has no row. */
const tenantWithKeyOf = <Value>({ keyOf }: Topic<Value>): Column => ({
  name: 'tenant',
  type: text,
  from: (record) => {
    keyOf(record as Value)
    return record['tenant']
  },
})

const evidence = arrayOf(
  tupleOf({ name: text, value: float64, unit: nullable(text), detail: nullable(text) }),
)

const spanEvents = arrayOf(tupleOf({ timestamp: instantUs, name: text, attributes: textMap }))

const spanLinks = arrayOf(tupleOf({ traceId: text, spanId: text, attributes: textMap }))

export const sinkTables: readonly SinkTable[] = [
  {
    table: 'metrics',
    topic: telemetryMetrics,
    hotFields: ['timestamp', 'value'],
    columns: [
      field('timestamp', instantMs),
      field('value', float64),
      field('tenant', text),
      derivedSeries,
      field('name', text),
      field('labels', textMap),
      field('unit', nullable(text)),
      field('kind', text),
    ],
  },
  {
    table: 'logs',
    topic: telemetryLogs,
    hotFields: [],
    columns: [
      field('timestamp', instantMs),
      tenantWithKeyOf(telemetryLogs),
      field('service', text),
      field('level', text),
      field('message', text),
      field('labels', textMap),
      field('resource', textMap),
      field('environment', nullable(text)),
      field('traceId', nullable(text)),
      field('spanId', nullable(text)),
    ],
  },
  {
    table: 'spans',
    topic: telemetrySpans,
    hotFields: [],
    columns: [
      field('start', instantUs),
      field('durationUs', nullable(int64)),
      tenantWithKeyOf(telemetrySpans),
      field('traceId', text),
      field('spanId', text),
      field('parentSpanId', nullable(text)),
      field('service', text),
      field('endpoint', text),
      field('name', text),
      field('kind', text),
      field('status', text),
      field('method', nullable(text)),
      field('statusCode', nullable(int32)),
      field('errorType', nullable(text)),
      field('errorMessage', nullable(text)),
      field('stack', nullable(text)),
      field('peer', nullable(text)),
      field('environment', nullable(text)),
      field('version', nullable(text)),
      field('attributes', textMap),
      field('resource', textMap),
      field('events', spanEvents),
      field('links', spanLinks),
    ],
  },
  {
    table: 'deployments',
    topic: telemetryDeployments,
    hotFields: [],
    columns: [
      field('id', text),
      field('timestamp', instantMs),
      tenantWithKeyOf(telemetryDeployments),
      field('service', text),
      field('environment', nullable(text)),
      field('version', nullable(text)),
      field('status', text),
      field('kind', text),
      field('commit', nullable(text)),
      field('ref', nullable(text)),
      field('deployedBy', nullable(text)),
      field('startedAt', nullable(instantMs)),
      field('finishedAt', nullable(instantMs)),
      field('plannedFrom', nullable(instantMs)),
      field('plannedTo', nullable(instantMs)),
      field('url', nullable(text)),
      field('source', text),
      field('sourceId', text),
      field('metadata', textMap),
    ],
  },
  {
    table: 'alerts',
    topic: telemetryAlerts,
    hotFields: [],
    columns: [
      field('id', text),
      field('timestamp', instantMs),
      tenantWithKeyOf(telemetryAlerts),
      field('fingerprint', text),
      field('status', text),
      field('name', text),
      field('severity', nullable(text)),
      field('service', nullable(text)),
      field('startsAt', instantMs),
      field('endsAt', nullable(instantMs)),
      field('labels', textMap),
      field('annotations', textMap),
      field('generatorUrl', nullable(text)),
      field('source', text),
      field('receiver', nullable(text)),
      field('groupKey', nullable(text)),
    ],
  },
  {
    table: 'costs',
    topic: telemetryCosts,
    hotFields: [],
    columns: [
      field('chargePeriodStart', instantMs),
      field('chargePeriodEnd', instantMs),
      field('id', text),
      tenantWithKeyOf(telemetryCosts),
      field('billingAccountId', text),
      field('billingAccountName', nullable(text)),
      field('subAccountId', nullable(text)),
      field('subAccountName', nullable(text)),
      field('serviceName', text),
      field('serviceCategory', nullable(text)),
      field('provider', text),
      field('publisher', nullable(text)),
      field('invoiceIssuer', nullable(text)),
      field('billingPeriodStart', instantMs),
      field('billingPeriodEnd', instantMs),
      field('status', text),
      field('chargeCategory', text),
      field('isCorrection', bool),
      field('chargeDescription', nullable(text)),
      field('chargeFrequency', nullable(text)),
      field('currency', text),
      field('billedCost', decimal),
      field('effectiveCost', decimal),
      field('listCost', nullable(decimal)),
      field('contractedCost', nullable(decimal)),
      field('pricingQuantity', nullable(decimal)),
      field('pricingUnit', nullable(text)),
      field('consumedQuantity', nullable(decimal)),
      field('consumedUnit', nullable(text)),
      field('listUnitPrice', nullable(decimal)),
      field('contractedUnitPrice', nullable(decimal)),
      field('pricingCategory', nullable(text)),
      field('commitmentDiscountId', nullable(text)),
      field('commitmentDiscountType', nullable(text)),
      field('commitmentDiscountStatus', nullable(text)),
      field('regionId', nullable(text)),
      field('availabilityZone', nullable(text)),
      field('resourceId', nullable(text)),
      field('resourceName', nullable(text)),
      field('resourceType', nullable(text)),
      field('skuId', nullable(text)),
      field('skuPriceId', nullable(text)),
      field('invoiceId', nullable(text)),
      field('tags', textMap),
      field('extra', textMap),
      field('source', text),
      field('export', text),
      field('asOf', instantMs),
      field('sourceId', text),
    ],
  },
  {
    table: 'rollups_1m',
    topic: signalsRollups,
    hotFields: [],
    columns: [
      field('windowStart', instantMs),
      field('windowEnd', instantMs),
      field('tenant', text),
      field('series', hexId),
      field('name', text),
      field('labels', textMap),
      field('count', count),
      field('sum', float64),
      field('min', float64),
      field('max', float64),
      field('mean', float64),
      field('sketch', blob),
    ],
  },
  {
    table: 'baselines',
    topic: signalsBaselines,
    hotFields: [],
    columns: [
      field('timestamp', instantMs),
      field('tenant', text),
      field('series', hexId),
      field('name', text),
      field('labels', textMap),
      field('expected', float64),
      field('lower', float64),
      field('upper', float64),
      field('spread', float64),
      field('samples', count),
      field('detector', text),
      field('detectorVersion', int32),
    ],
  },
  {
    table: 'anomalies',
    topic: signalsAnomalies,
    hotFields: [],
    columns: [
      field('id', text),
      field('revision', int32),
      field('phase', text),
      field('tenant', text),
      field('series', hexId),
      field('name', text),
      field('labels', textMap),
      field('service', nullable(text)),
      field('kind', text),
      field('timestamp', instantMs),
      field('start', instantMs),
      field('peak', instantMs),
      field('end', nullable(instantMs)),
      field('value', float64),
      field('peakValue', float64),
      field('expected', float64),
      field('lower', float64),
      field('upper', float64),
      field('score', float64),
      field('severity', text),
      field('detector', text),
      field('detectorVersion', int32),
      field('configVersion', int32),
      field('configHash', text),
      field('evidence', evidence),
      field('message', text),
    ],
  },
]

/** Declarations for `input()`, in the order in which the row encoder writes. */
export const inputStructure = ({ columns }: SinkTable): string =>
  ['_offset Int64', ...columns.map(({ name, type }) => `${name} ${type.sql}`)].join(', ')
