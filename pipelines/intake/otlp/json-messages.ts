/** OTLP's messages in JSON: the fields that are mapped, by their names there. */
import {
  base64,
  bool,
  double,
  enumeration,
  hex,
  int32,
  int64,
  lazy,
  list,
  message,
  text,
  uint32,
  uint64,
  type Shape,
} from './json-shape.ts'
import type {
  AnyValue,
  ExponentialPoint,
  HistogramPoint,
  KeyValue,
  LogRecord,
  LogsRequest,
  Metric,
  MetricsRequest,
  NumberPoint,
  OtlpSpan,
  OtlpSpanEvent,
  OtlpSpanLink,
  Resource,
  Scope,
  SummaryPoint,
  TraceRequest,
} from './messages.ts'

const anyValue: Shape<AnyValue> = lazy(() => anyValueFields)
const attributes: Shape<KeyValue[]> = list(message<KeyValue>({ key: text, value: anyValue }))
const anyValueFields = message<AnyValue>({
  stringValue: text,
  boolValue: bool,
  intValue: int64,
  doubleValue: double,
  arrayValue: message({ values: list(anyValue) }),
  kvlistValue: message({ values: attributes }),
  bytesValue: base64,
})
const resource = message<Resource>({ attributes, droppedAttributesCount: uint32 })
const scope = message<Scope>({
  name: text,
  version: text,
  attributes,
  droppedAttributesCount: uint32,
})

const spanEvent = message<OtlpSpanEvent>({
  timeUnixNano: uint64,
  name: text,
  attributes,
  droppedAttributesCount: uint32,
})
const spanLink = message<OtlpSpanLink>({
  traceId: hex,
  spanId: hex,
  traceState: text,
  attributes,
  droppedAttributesCount: uint32,
})
const span = message<OtlpSpan>({
  traceId: hex,
  spanId: hex,
  traceState: text,
  parentSpanId: hex,
  name: text,
  kind: enumeration,
  startTimeUnixNano: uint64,
  endTimeUnixNano: uint64,
  attributes,
  droppedAttributesCount: uint32,
  events: list(spanEvent),
  droppedEventsCount: uint32,
  links: list(spanLink),
  droppedLinksCount: uint32,
  status: message({ message: text, code: enumeration }),
})
export const traceRequest = message<TraceRequest>({
  resourceSpans: list(
    message({ resource, scopeSpans: list(message({ scope, spans: list(span) })) }),
  ),
})

const logRecord = message<LogRecord>({
  timeUnixNano: uint64,
  observedTimeUnixNano: uint64,
  severityNumber: enumeration,
  severityText: text,
  body: anyValue,
  attributes,
  droppedAttributesCount: uint32,
  traceId: hex,
  spanId: hex,
  eventName: text,
})
export const logsRequest = message<LogsRequest>({
  resourceLogs: list(
    message({ resource, scopeLogs: list(message({ scope, logRecords: list(logRecord) })) }),
  ),
})

const numberPoint = message<NumberPoint>({
  attributes,
  timeUnixNano: uint64,
  asDouble: double,
  asInt: int64,
  flags: uint32,
})
const histogramPoint = message<HistogramPoint>({
  attributes,
  timeUnixNano: uint64,
  count: uint64,
  sum: double,
  bucketCounts: list(uint64),
  explicitBounds: list(double),
  flags: uint32,
  min: double,
  max: double,
})
const buckets = message<NonNullable<ExponentialPoint['positive']>>({
  offset: int32,
  bucketCounts: list(uint64),
})
const exponentialPoint = message<ExponentialPoint>({
  attributes,
  timeUnixNano: uint64,
  count: uint64,
  sum: double,
  scale: int32,
  zeroCount: uint64,
  positive: buckets,
  negative: buckets,
  flags: uint32,
  min: double,
  max: double,
  zeroThreshold: double,
})
const summaryPoint = message<SummaryPoint>({
  attributes,
  timeUnixNano: uint64,
  count: uint64,
  sum: double,
  quantileValues: list(message({ quantile: double, value: double })),
  flags: uint32,
})
const metric = message<Metric>({
  name: text,
  unit: text,
  gauge: message({ dataPoints: list(numberPoint) }),
  sum: message({
    dataPoints: list(numberPoint),
    aggregationTemporality: enumeration,
    isMonotonic: bool,
  }),
  histogram: message({ dataPoints: list(histogramPoint), aggregationTemporality: enumeration }),
  exponentialHistogram: message({
    dataPoints: list(exponentialPoint),
    aggregationTemporality: enumeration,
  }),
  summary: message({ dataPoints: list(summaryPoint) }),
})
export const metricsRequest = message<MetricsRequest>({
  resourceMetrics: list(
    message({ resource, scopeMetrics: list(message({ scope, metrics: list(metric) })) }),
  ),
})
