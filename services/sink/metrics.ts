/** What Prometheus sees of the sink. Labels are topics, partitions, steps and reason codes: bounded. */
import { LATENCY_BUCKETS_SECONDS, type Metrics } from '../shared/metrics.ts'

export type SinkMetrics = ReturnType<typeof sinkMetrics>

export const sinkMetrics = (metrics: Metrics) => ({
  rows: metrics.counter({
    name: 'sink_rows_total',
    help: 'Rows that reached ClickHouse.',
    labels: ['topic'],
  }),
  blocks: metrics.counter({
    name: 'sink_blocks_total',
    help: 'Blocks that reached ClickHouse, those without rows included.',
    labels: ['topic'],
  }),
  bytes: metrics.counter({
    name: 'sink_row_bytes_total',
    help: 'Bytes of rows as sent.',
    labels: ['topic'],
  }),
  commitSeconds: metrics.histogram({
    name: 'sink_block_duration_seconds',
    help: 'From a full block to its record as done: claim, insert, count.',
    labels: ['topic'],
    buckets: LATENCY_BUCKETS_SECONDS,
  }),
  insertSeconds: metrics.histogram({
    name: 'sink_insert_duration_seconds',
    help: 'One insert request to ClickHouse.',
    labels: ['topic'],
    buckets: LATENCY_BUCKETS_SECONDS,
  }),
  retries: metrics.counter({
    name: 'sink_retries_total',
    help: 'Steps that failed and were tried again.',
    labels: ['step'],
  }),
  deadLetters: metrics.counter({
    name: 'sink_dead_letters_total',
    help: 'Records that have no row and went to sink.dead-letter.',
    labels: ['topic', 'reason'],
  }),
  gaps: metrics.counter({
    name: 'sink_gaps_total',
    help: 'Gaps found: offsets that were wanted and are gone. See table sink_gaps.',
    labels: ['topic', 'kind'],
  }),
  lag: metrics.gauge({
    name: 'sink_lag_records',
    help: 'Offsets between the end of the log and what is in ClickHouse.',
    labels: ['topic', 'partition'],
  }),
  delay: metrics.gauge({
    name: 'sink_delay_seconds',
    help: 'Age since arrival of the oldest record read and not in ClickHouse; 0 when none waits.',
    labels: ['topic', 'partition'],
  }),
  retentionUsed: metrics.gauge({
    name: 'sink_retention_used_ratio',
    help: 'How much of its retention the oldest waiting record has used up; at 1 it is deleted.',
    labels: ['topic', 'partition'],
  }),
  bufferedBytes: metrics.gauge({
    name: 'sink_buffered_bytes',
    help: 'Fetched from Kafka and not yet taken into blocks.',
  }),
})
