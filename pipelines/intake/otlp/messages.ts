/** Short names of the messages that are mapped. */
import type { opentelemetry } from '../../../schemas/generated/otlp.js'

export type AnyValue = opentelemetry.proto.common.v1.AnyValue.$Properties
export type KeyValue = opentelemetry.proto.common.v1.KeyValue.$Properties
export type Scope = opentelemetry.proto.common.v1.InstrumentationScope.$Properties
export type Resource = opentelemetry.proto.resource.v1.Resource.$Properties

export type TraceRequest =
  opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest.$Properties
export type OtlpSpan = opentelemetry.proto.trace.v1.Span.$Properties
export type OtlpSpanEvent = opentelemetry.proto.trace.v1.Span.Event.$Properties
export type OtlpSpanLink = opentelemetry.proto.trace.v1.Span.Link.$Properties

export type LogsRequest = opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest.$Properties
export type LogRecord = opentelemetry.proto.logs.v1.LogRecord.$Properties

export type MetricsRequest =
  opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest.$Properties
export type ResourceMetrics = opentelemetry.proto.metrics.v1.ResourceMetrics.$Properties
export type Metric = opentelemetry.proto.metrics.v1.Metric.$Properties
export type NumberPoint = opentelemetry.proto.metrics.v1.NumberDataPoint.$Properties
export type HistogramPoint = opentelemetry.proto.metrics.v1.HistogramDataPoint.$Properties
export type ExponentialPoint =
  opentelemetry.proto.metrics.v1.ExponentialHistogramDataPoint.$Properties
export type SummaryPoint = opentelemetry.proto.metrics.v1.SummaryDataPoint.$Properties

/** Every field may be missing, as on the wire: undefined when read from JSON, null in the generated classes. */
export const isGiven = <T>(field: T | null | undefined): field is T =>
  field !== undefined && field !== null
