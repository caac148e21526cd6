/** The status for people. */
import { alignedLines } from '../text-table.ts'
import { bytesText, durationText } from './status-units.ts'
import { troubleLines } from './status-words.ts'
import type { StatusReport } from './status.ts'

const columns = ['process', 'state', 'pid', 'port', 'memory', 'up', 'restarts'] as const

/** Bounds by time and by size; whichever is reached first holds. */
export const retentionText = ({ boundBytes, topics }: StatusReport['retention']): string => {
  const ages = topics.flatMap(({ maxAgeSeconds }) => maxAgeSeconds ?? [])
  const usual = Math.min(...ages)
  const longer = topics.flatMap(({ name, maxAgeSeconds: age }) =>
    age === null || age === usual ? [] : [`${name} ${durationText(age)}`],
  )
  const forEver = topics.filter((topic) => topic.maxAgeSeconds === null && !topic.latestPerKey)
  const bound = `telemetry and signals for ${[durationText(usual), ...longer].join(', ')}; all topics at most ${bytesText(boundBytes)} in Kafka, plus state`
  if (forEver.length === 0) return bound
  return `${bound}; ${forEver.length === 1 ? '1 topic' : `${String(forEver.length)} topics`} for ever`
}

export const statusTable = (report: StatusReport): string => {
  const trouble = troubleLines(report)
  if (report.processes.every(({ pid }) => pid === null)) return trouble.join('\n')
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
    ...(report.ready ? [`Ready for ${durationText(report.uptimeSeconds)}.`] : []),
    ...trouble,
    '',
    ...alignedLines([columns, ...rows]),
    '',
    `memory  ${bytesText(report.totalRssBytes)} resident in all`,
    `disk    Kafka ${bytesText(disk.kafkaBytes)}, ClickHouse ${bytesText(disk.clickhouseBytes)}, logs ${bytesText(disk.logBytes)}; ${bytesText(disk.freeBytes)} free`,
    `kept    ${retentionText(retention)}`,
    `data    ${report.dataDir}`,
  ].join('\n')
}
