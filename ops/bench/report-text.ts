/** A report as people read it. */
import type { BenchReport } from './bench.ts'
import { aboutLine, table } from './report-table.ts'
import type { ThroughputFigures } from './throughput.ts'

const HEAD = ['', 'k records/s', 'k records per CPU s', 'CPU s', 'RSS MB', 'broker CPU s']
const MB = 1e6

export const reportText = (report: BenchReport): string =>
  [
    ...throughputLines(report),
    ...ratioLines(report),
    ...latencyLines(report),
    ...memoryLines(report),
    ...scalingLines(report),
    '',
    aboutLine(report),
  ].join('\n')

const thousands = (value: number): string => (value / 1_000).toFixed(0)

const rowOf = (name: string, figures: ThroughputFigures): string[] => [
  name,
  thousands(figures.records_per_second),
  thousands(figures.records_per_cpu_second),
  figures.cpu_seconds.toFixed(1),
  (figures.rss_bytes / MB).toFixed(0),
  figures.broker_cpu_seconds.toFixed(1),
]

const throughputLines = ({ declared, objects, peer }: BenchReport): string[] => {
  if (declared === undefined || objects === undefined) return []
  const rows = [rowOf('declared fields', declared), rowOf('objects', objects)]
  for (const variant of peer?.variants ?? []) rows.push(rowOf(variant.variant, variant))
  const commits = `commits of declared fields: p50 ${ms(declared.commit_p50_ms)}, p99 ${ms(declared.commit_p99_ms)}`
  return [...table([HEAD, ...rows]), commits, '']
}

const ratioLines = ({ ratios, peer }: BenchReport): string[] => {
  if (ratios === undefined || peer === undefined) return []
  const times = (value: number): string => `${value.toFixed(2)} x`
  return [
    ...table([
      ['declared fields to the better default', times(ratios.throughput_vs_default)],
      ['declared fields to the one tuned by hand', times(ratios.throughput_vs_tuned)],
      ['objects to the better default', times(ratios.objects_vs_default)],
      ['records per CPU second to the default', times(ratios.cpu_vs_default)],
      ['resident memory to the default', times(ratios.rss_vs_default)],
    ]),
    `the better default: ${peer.default.variant}; by hand: ${peer.tuned.variant}`,
    '',
  ]
}

const latencyLines = ({ latency }: BenchReport): string[] =>
  latency === undefined
    ? []
    : [
        `end to end at ${String(latency.rate)} records/s: p50 ${ms(latency.p50_ms)}, ` +
          `p90 ${ms(latency.p90_ms)}, p99 ${ms(latency.p99_ms)}, max ${ms(latency.max_ms)}`,
      ]

const memoryLines = ({ memory, restore }: BenchReport): string[] => {
  if (memory === undefined || restore === undefined) return []
  const { peer } = restore
  const beside =
    peer === undefined
      ? ''
      : `; Kafka Streams in memory: ${peer.seconds.toFixed(1)} s for ${String(peer.restored_records)}`
  return [
    `${String(memory.series)} series: ${memory.bytes_per_series.toFixed(0)} bytes each, ` +
      `${(memory.settled_rss_bytes / MB).toFixed(0)} MB resident`,
    `restore: ${restore.seconds.toFixed(1)} s for ${String(restore.restored_records)} changelog records${beside}`,
  ]
}

const scalingLines = ({ scaling = [] }: BenchReport): string[] => {
  if (scaling.length === 0) return []
  const rows = scaling.map((figures) => [
    String(figures.workers),
    thousands(figures.records_per_second),
    figures.cpu_seconds_per_million.toFixed(2),
    figures.broker_cpu_seconds_per_million.toFixed(2),
  ])
  const head = ['workers', 'k records/s', 'CPU s per million', 'broker CPU s per million']
  return ['', ...table([head, ...rows])]
}

const ms = (value: number): string => `${value.toFixed(0)} ms`
