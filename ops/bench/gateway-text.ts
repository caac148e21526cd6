/** A report of the gateway as people read it. */
import type { GatewayReport } from './gateway.ts'
import { aboutLine, table } from './report-table.ts'

const HEAD = [
  '',
  'points/s',
  'p50 ms',
  'p95 ms',
  'p99 ms',
  'CPU s per million',
  'broker',
  'sender',
  'RSS MB',
]

export const gatewayText = (report: GatewayReport): string => {
  const rows = report.cases.map((figures) => [
    figures.name,
    figures.per_second.toFixed(0),
    figures.p50_ms.toFixed(1),
    figures.p95_ms.toFixed(1),
    figures.p99_ms.toFixed(1),
    figures.cpu_seconds_per_million.toFixed(2),
    figures.broker_cpu_seconds_per_million.toFixed(2),
    figures.sender_cpu_seconds_per_million.toFixed(2),
    (figures.gateway_rss_bytes / 1e6).toFixed(0),
  ])
  return [...table([HEAD, ...rows]), '', aboutLine(report)].join('\n')
}
