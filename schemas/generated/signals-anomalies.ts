// Generated from signals.anomalies.avsc by schemas/generate.ts; do not edit.
import type { AvroSchema, EpochMs } from '../topic.ts'

/** One revision of one episode in which a series left its band. All revisions of an episode share `id`; the highest `revision` is its current state. */
export interface Anomaly {
  /** Identity of the episode: 32 hex digits, a hash of its content. */
  readonly id: string
  /** Rises by one with each record of the episode, from 1. */
  readonly revision: number
  /** What this revision reports: the begin, a new peak, or the end of the episode. */
  readonly phase: AnomalyPhase
  /** Tenant the record belongs to; `default` for a plain installation, `replay-*` and `sim-*` for replays and simulations. */
  readonly tenant: string
  /** Identity of the series: the first 32 hex digits of the SHA-256 of its series key. */
  readonly series: string
  /** Metric name, e.g. `system.cpu.utilization`. */
  readonly name: string
  /** Labels that, with tenant and name, identify the series. */
  readonly labels: Readonly<Record<string, string>>
  /** Service the series belongs to, when its labels tell. */
  readonly service: string | null
  /** Kind of signal that is anomalous; `metric` here. */
  readonly kind: string
  /** Event time of this revision. */
  readonly timestamp: EpochMs
  /** Event time at which the episode began. */
  readonly start: EpochMs
  /** Event time of the most extreme value so far. */
  readonly peak: EpochMs
  /** Event time at which the episode ended; null while it holds. */
  readonly end: EpochMs | null
  /** Value at this revision. */
  readonly value: number
  /** Most extreme value so far. */
  readonly peakValue: number
  /** Value the detector expected. */
  readonly expected: number
  /** Lower edge of the band, finite. */
  readonly lower: number
  /** Upper edge of the band, finite. */
  readonly upper: number
  /** How far out the value is, in the measure of the detector (z-score: standard deviations). */
  readonly score: number
  /** Severity at this revision. */
  readonly severity: Severity
  /** Name of the detector, e.g. `zscore`. */
  readonly detector: string
  /** Version of the detector; rises when its formula changes. */
  readonly detectorVersion: number
  /** Version of the detector configuration in force; 0 for the built-in one. */
  readonly configVersion: number
  /** Hash of the detector configuration in force. */
  readonly configHash: string
  /** Numbers and thresholds that were compared. */
  readonly evidence: readonly Evidence[]
  /** The anomaly in one sentence that a person understands. */
  readonly message: string
}

/** One number the verdict rests on, copied since sources expire. */
export interface Evidence {
  /** What the number is, e.g. `mean` or `threshold`. */
  readonly name: string
  /** The number. */
  readonly value: number
  /** Unit of the number; null for a plain number. */
  readonly unit: string | null
  /** Where the number comes from or what it means, for people. */
  readonly detail: string | null
}

/** How bad, from mild to worst. */
export type Severity = 'low' | 'medium' | 'high' | 'critical'

/** Where an episode stands: just begun, at a new peak, over. */
export type AnomalyPhase = 'open' | 'peak' | 'closed'

/** The Avro schema of Anomaly, as it stands in signals.anomalies.avsc. */
export const anomalySchema: AvroSchema = {
  type: 'record',
  namespace: 'millrace',
  name: 'Anomaly',
  doc: 'One revision of one episode in which a series left its band. All revisions of an episode share `id`; the highest `revision` is its current state.',
  fields: [
    {
      name: 'id',
      type: 'string',
      doc: 'Identity of the episode: 32 hex digits, a hash of its content.',
    },
    {
      name: 'revision',
      type: 'int',
      doc: 'Rises by one with each record of the episode, from 1.',
    },
    {
      name: 'phase',
      type: {
        type: 'enum',
        name: 'AnomalyPhase',
        doc: 'Where an episode stands: just begun, at a new peak, over.',
        symbols: ['open', 'peak', 'closed'],
      },
      doc: 'What this revision reports: the begin, a new peak, or the end of the episode.',
    },
    {
      name: 'tenant',
      type: 'string',
      doc: 'Tenant the record belongs to; `default` for a plain installation, `replay-*` and `sim-*` for replays and simulations.',
    },
    {
      name: 'series',
      type: 'string',
      doc: 'Identity of the series: the first 32 hex digits of the SHA-256 of its series key.',
    },
    {
      name: 'name',
      type: 'string',
      doc: 'Metric name, e.g. `system.cpu.utilization`.',
    },
    {
      name: 'labels',
      type: {
        type: 'map',
        values: 'string',
      },
      doc: 'Labels that, with tenant and name, identify the series.',
    },
    {
      name: 'service',
      type: ['null', 'string'],
      doc: 'Service the series belongs to, when its labels tell.',
      default: null,
    },
    {
      name: 'kind',
      type: 'string',
      doc: 'Kind of signal that is anomalous; `metric` here.',
    },
    {
      name: 'timestamp',
      type: {
        type: 'long',
        logicalType: 'timestamp-millis',
      },
      doc: 'Event time of this revision.',
    },
    {
      name: 'start',
      type: {
        type: 'long',
        logicalType: 'timestamp-millis',
      },
      doc: 'Event time at which the episode began.',
    },
    {
      name: 'peak',
      type: {
        type: 'long',
        logicalType: 'timestamp-millis',
      },
      doc: 'Event time of the most extreme value so far.',
    },
    {
      name: 'end',
      type: [
        'null',
        {
          type: 'long',
          logicalType: 'timestamp-millis',
        },
      ],
      doc: 'Event time at which the episode ended; null while it holds.',
      default: null,
    },
    {
      name: 'value',
      type: 'double',
      doc: 'Value at this revision.',
    },
    {
      name: 'peakValue',
      type: 'double',
      doc: 'Most extreme value so far.',
    },
    {
      name: 'expected',
      type: 'double',
      doc: 'Value the detector expected.',
    },
    {
      name: 'lower',
      type: 'double',
      doc: 'Lower edge of the band, finite.',
    },
    {
      name: 'upper',
      type: 'double',
      doc: 'Upper edge of the band, finite.',
    },
    {
      name: 'score',
      type: 'double',
      doc: 'How far out the value is, in the measure of the detector (z-score: standard deviations).',
    },
    {
      name: 'severity',
      type: {
        type: 'enum',
        name: 'Severity',
        doc: 'How bad, from mild to worst.',
        symbols: ['low', 'medium', 'high', 'critical'],
      },
      doc: 'Severity at this revision.',
    },
    {
      name: 'detector',
      type: 'string',
      doc: 'Name of the detector, e.g. `zscore`.',
    },
    {
      name: 'detectorVersion',
      type: 'int',
      doc: 'Version of the detector; rises when its formula changes.',
    },
    {
      name: 'configVersion',
      type: 'int',
      doc: 'Version of the detector configuration in force; 0 for the built-in one.',
    },
    {
      name: 'configHash',
      type: 'string',
      doc: 'Hash of the detector configuration in force.',
    },
    {
      name: 'evidence',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'Evidence',
          doc: 'One number the verdict rests on, copied since sources expire.',
          fields: [
            {
              name: 'name',
              type: 'string',
              doc: 'What the number is, e.g. `mean` or `threshold`.',
            },
            {
              name: 'value',
              type: 'double',
              doc: 'The number.',
            },
            {
              name: 'unit',
              type: ['null', 'string'],
              doc: 'Unit of the number; null for a plain number.',
              default: null,
            },
            {
              name: 'detail',
              type: ['null', 'string'],
              doc: 'Where the number comes from or what it means, for people.',
              default: null,
            },
          ],
        },
      },
      doc: 'Numbers and thresholds that were compared.',
    },
    {
      name: 'message',
      type: 'string',
      doc: 'The anomaly in one sentence that a person understands.',
    },
  ],
}
