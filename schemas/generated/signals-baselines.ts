// Generated from signals.baselines.avsc by schemas/generate.ts; do not edit.
import type { AvroSchema, EpochMs } from '../topic.ts'

/** What a detector has learned about a series: the band in which the next value is expected. Published at most once a minute and series. */
export interface Baseline {
  /** Event time up to which the baseline has learned. */
  readonly timestamp: EpochMs
  /** Tenant the record belongs to; `default` for a plain installation, `replay-*` and `sim-*` for replays and simulations. */
  readonly tenant: string
  /** Identity of the series: the first 32 hex digits of the SHA-256 of its series key. */
  readonly series: string
  /** Metric name, e.g. `system.cpu.utilization`. */
  readonly name: string
  /** Labels that, with tenant and name, identify the series. */
  readonly labels: Readonly<Record<string, string>>
  /** Expected value. */
  readonly expected: number
  /** Lower edge of the band, finite. */
  readonly lower: number
  /** Upper edge of the band, finite. */
  readonly upper: number
  /** Learned spread in the unit of the value, e.g. one standard deviation. */
  readonly spread: number
  /** Number of samples the baseline rests on. */
  readonly samples: number
  /** Name of the detector, e.g. `zscore`. */
  readonly detector: string
  /** Version of the detector; rises when its formula changes. */
  readonly detectorVersion: number
}

/** The Avro schema of Baseline, as it stands in signals.baselines.avsc. */
export const baselineSchema: AvroSchema = {
  type: 'record',
  namespace: 'millrace',
  name: 'Baseline',
  doc: 'What a detector has learned about a series: the band in which the next value is expected. Published at most once a minute and series.',
  fields: [
    {
      name: 'timestamp',
      type: {
        type: 'long',
        logicalType: 'timestamp-millis',
      },
      doc: 'Event time up to which the baseline has learned.',
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
      name: 'expected',
      type: 'double',
      doc: 'Expected value.',
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
      name: 'spread',
      type: 'double',
      doc: 'Learned spread in the unit of the value, e.g. one standard deviation.',
    },
    {
      name: 'samples',
      type: 'long',
      doc: 'Number of samples the baseline rests on.',
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
  ],
}
