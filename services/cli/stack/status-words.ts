/** What is wrong with the stack and what to do about it, in sentences. Pure: times come with the report. */
import { defaultMinFreeBytes, hungAfterMs } from '../../../infra/local/index.ts'
import { bytesText, durationText } from './status-units.ts'
import type { ProcessReport, StatusReport } from './status.ts'

const stateWords = (one: ProcessReport): string => {
  const lasting = durationText(one.stateSeconds)
  const because = one.reason === null ? '' : `: ${one.reason}`
  switch (one.state) {
    case 'starting':
      return one.restarts > 0
        ? `${one.name} is being started again since ${lasting} (restart ${String(one.restarts)})${because}.`
        : `${one.name} is starting since ${lasting}${because}.`
    case 'degraded':
      return `${one.name} has not been ready for ${lasting}${because}.`
    case 'failed':
      return `${one.name} is given up${because}.`
    case 'stopped':
      return `${one.name} is not running${because}.`
    case 'ready':
      return `${one.name} is ready.`
  }
}

/** Those that others need come first: when they come back, the others mostly follow. */
const needed = ['kafka', 'registry', 'clickhouse']

const remedyOf = (sick: readonly ProcessReport[], report: StatusReport): string => {
  const failed = sick.find(({ state }) => state === 'failed')
  const dataOption = ` --data ${report.dataDir}`
  if (failed !== undefined)
    return `Read ${failed.log}, then stop the stack with \`npx millrace down${dataOption}\` and start it again.`
  const cause = sick.find(({ name }) => needed.includes(name)) ?? sick[0]
  if (cause === undefined) return 'Nothing needs to be done.'
  const others =
    sick.length > 1 && needed.includes(cause.name) ? ' The others follow when it is back.' : ''
  if (cause.state === 'starting') return `Wait; its log: ${cause.log}.${others}`
  return `A process that gives no answer for ${durationText(hungAfterMs / 1000)} is started again by itself; its log: ${cause.log}.${others}`
}

/** Kafka stops for good when it cannot write: said before, and while all still works. */
const diskLines = ({ disk, dataDir, supervisorPid }: StatusReport): readonly string[] =>
  supervisorPid === null || disk.freeBytes >= defaultMinFreeBytes
    ? []
    : [
        `The disk of ${dataDir} has only ${bytesText(disk.freeBytes)} free. Free some: when it is full, Kafka stops.`,
      ]

/** Empty when all is well. */
export const troubleLines = (report: StatusReport): readonly string[] => [
  ...diskLines(report),
  ...processLines(report),
]

const processLines = (report: StatusReport): readonly string[] => {
  if (report.ready) return []
  const dataOption = ` --data ${report.dataDir}`
  if (report.supervisorPid === null) {
    const left = report.processes.filter(({ pid }) => pid !== null).map(({ name }) => name)
    if (left.length === 0) return [`Nothing runs in ${report.dataDir}. \`npm start\` starts it.`]
    return [
      `The process that supervises the stack is gone; of it still run: ${left.join(', ')}.`,
      `\`npm start --${dataOption}\` takes over, \`npx millrace down${dataOption}\` stops them. Nothing acknowledged is lost.`,
    ]
  }
  const sick = report.processes.filter(({ state }) => state !== 'ready')
  if (sick.length === 0) return ['Not everything has been started yet. Wait.']
  return [...sick.map(stateWords), remedyOf(sick, report)]
}
