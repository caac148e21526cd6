/** Requests as senders make them: encoded by protobufjs from the published message definitions. */
import protobuf from 'protobufjs'

const HISTOGRAM = `
  message BucketSpan { sint32 offset = 1; uint32 length = 2; }
  message Histogram {
    oneof count { uint64 count_int = 1; double count_float = 2; }
    double sum = 3;
    sint32 schema = 4;
    double zero_threshold = 5;
    oneof zero_count { uint64 zero_count_int = 6; double zero_count_float = 7; }
    repeated BucketSpan negative_spans = 8;
    repeated sint64 negative_deltas = 9;
    repeated double negative_counts = 10;
    repeated BucketSpan positive_spans = 11;
    repeated sint64 positive_deltas = 12;
    repeated double positive_counts = 13;
    uint32 reset_hint = 14;
    int64 timestamp = 15;
    repeated double custom_values = 16;
  }`

const V1 = `syntax = "proto3"; package prometheus;
  message WriteRequest { repeated TimeSeries timeseries = 1; repeated MetricMetadata metadata = 3; }
  message TimeSeries {
    repeated Label labels = 1; repeated Sample samples = 2;
    repeated Exemplar exemplars = 3; repeated Histogram histograms = 4;
  }
  message Label { string name = 1; string value = 2; }
  message Sample { double value = 1; int64 timestamp = 2; }
  message Exemplar { repeated Label labels = 1; double value = 2; int64 timestamp = 3; }
  message MetricMetadata { uint32 type = 1; string metric_family_name = 2; string help = 4; string unit = 5; }
  ${HISTOGRAM}`

const V2 = `syntax = "proto3"; package io.prometheus.write.v2;
  message Request { repeated string symbols = 4; repeated TimeSeries timeseries = 5; }
  message TimeSeries {
    repeated uint32 labels_refs = 1; repeated Sample samples = 2; repeated Histogram histograms = 3;
    repeated Exemplar exemplars = 4; Metadata metadata = 5;
  }
  message Sample { double value = 1; int64 timestamp = 2; int64 start_timestamp = 3; }
  message Exemplar { repeated uint32 labels_refs = 1; double value = 2; int64 timestamp = 3; }
  message Metadata { uint32 type = 1; uint32 help_ref = 3; uint32 unit_ref = 4; }
  ${HISTOGRAM}`

const typeOf = (proto: string, name: string): protobuf.Type =>
  protobuf.parse(proto, { keepCase: true }).root.lookupType(name)

export const writeRequest1 = typeOf(V1, 'prometheus.WriteRequest')
export const writeRequest2 = typeOf(V2, 'io.prometheus.write.v2.Request')

/** As the messages have it, names and all. */
export interface SentHistogram {
  readonly count_int?: number
  readonly count_float?: number
  readonly sum?: number
  readonly schema?: number
  readonly zero_count_int?: number
  readonly zero_count_float?: number
  readonly positive_spans?: readonly Span[]
  readonly positive_deltas?: readonly number[]
  readonly positive_counts?: readonly number[]
  readonly negative_spans?: readonly Span[]
  readonly negative_deltas?: readonly number[]
  readonly negative_counts?: readonly number[]
  readonly reset_hint?: number
  readonly timestamp?: number
  readonly custom_values?: readonly number[]
}

interface Span {
  readonly offset?: number
  readonly length: number
}

export interface SentSeries {
  /** Pairs in the order in which they are sent. */
  readonly labels: readonly (readonly [name: string, value: string])[]
  readonly samples?: readonly { readonly value: number; readonly timestamp: number }[]
  readonly histograms?: readonly SentHistogram[]
  readonly exemplars?: number
  /** Of 2.0 alone. */
  readonly type?: number
  readonly unit?: string
}

const encoded = (type: protobuf.Type, message: object): Buffer =>
  Buffer.from(type.encode(type.fromObject(message)).finish())

export const request1 = (series: readonly SentSeries[], metadata: readonly object[] = []): Buffer =>
  encoded(writeRequest1, {
    timeseries: series.map(({ labels, samples, histograms, exemplars = 0 }) => ({
      labels: labels.map(([name, value]) => ({ name, value })),
      ...{ samples, histograms },
      exemplars: Array.from({ length: exemplars }, () => ({ value: 1, timestamp: 1 })),
    })),
    metadata,
  })

export const request2 = (series: readonly SentSeries[]): Buffer => {
  const symbols = ['']
  const refOf = (text: string): number => {
    if (!symbols.includes(text)) symbols.push(text)
    return symbols.indexOf(text)
  }
  const timeseries = series.map(({ labels, samples, histograms, exemplars = 0, type, unit }) => ({
    labels_refs: labels.flatMap((pair) => pair.map(refOf)),
    ...{ samples, histograms },
    exemplars: Array.from({ length: exemplars }, () => ({ value: 1, timestamp: 1 })),
    ...(type === undefined ? {} : { metadata: { type, unit_ref: refOf(unit ?? '') } }),
  }))
  return encoded(writeRequest2, { symbols, timeseries })
}
