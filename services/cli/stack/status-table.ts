/** The status for people. */
import type { StatusReport } from './status.ts'

export const bytesText = (bytes: number): string =>
  bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(0)} MB`

export const durationText = (seconds: number): string => {
  if (seconds < 60) return `${String(seconds)} s`
  if (seconds < 3600) return `${String(Math.floor(seconds / 60))} min`
  if (seconds < 48 * 3600) return `${(seconds / 3600).toFixed(1)} h`
  return `${(seconds / 86_400).toFixed(1)} d`
}

const columns = ['process', 'state', 'pid', 'port', 'memory', 'up', 'restarts'] as const

const align = (rows: readonly (readonly string[])[]): readonly string[] => {
  const widths = columns.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

const remarks = ({ supervisorPid, processes }: StatusReport): readonly string[] => {
  if (supervisorPid === null) {
    return ['', 'Nobody supervises these processes. `npm start` stops what is left and goes on.']
  }
  const sick = processes.find(({ state }) => state !== 'ready')
  return sick === undefined ? [] : ['', `${sick.name} is ${sick.state}; its log: ${sick.log}`]
}

export const statusTable = (report: StatusReport): string => {
  if (report.processes.length === 0) {
    return `Nothing runs in ${report.dataDir}. \`npm start\` starts it.`
  }
  const rows = report.processes.map((one) => [
    one.name,
    one.state,
    one.pid === null ? '-' : String(one.pid),
    one.port === null ? '-' : String(one.port),
    bytesText(one.rssBytes),
    one.pid === null ? '-' : durationText(one.uptimeSeconds),
    String(one.restarts),
  ])
  const { disk, retention } = report
  return [
    report.ready ? `Ready for ${durationText(report.uptimeSeconds)}.` : 'Not ready.',
    '',
    ...align([columns, ...rows]),
    '',
    `memory  ${bytesText(report.totalRssBytes)} resident in all`,
    `disk    Kafka ${bytesText(disk.kafkaBytes)} (telemetry and signals keep at most ${bytesText(retention.boundBytes)}), ClickHouse ${bytesText(disk.clickhouseBytes)}, logs ${bytesText(disk.logBytes)}`,
    `data    ${report.dataDir}`,
    ...remarks(report),
  ].join('\n')
}
