import process from 'node:process'
import { reportTopics, type TopicReport } from '../../topics/topic-report.ts'
import { alignedLines } from '../text-table.ts'
import { withTopicSession } from './session.ts'

export interface ListTopicsOptions {
  readonly internal?: boolean
  readonly json?: boolean
}

export const runList = ({
  internal: all = false,
  json = false,
}: ListTopicsOptions): Promise<void> =>
  withTopicSession(async ({ servers, cluster, catalogue, internal }) => {
    const wanted = all ? [...catalogue, ...internal] : catalogue
    const topics = await reportTopics(wanted, servers, cluster)
    process.stdout.write(json ? `${JSON.stringify({ topics })}\n` : tableOf(topics))
  })

const HEAD = ['TOPIC', 'PARTITIONS', 'OFFSETS', 'SCHEMA', 'WHAT'] as const

const tableOf = (topics: readonly TopicReport[]): string => {
  const rows = [HEAD, ...topics.map(rowOf)]
  return `${alignedLines(rows).join('\n')}\n`
}

const rowOf = ({ name, exists, partitions, offsets, schema, summary }: TopicReport): string[] => [
  name,
  exists ? String(partitions) : 'missing',
  exists ? String(offsets) : '-',
  schema?.version === null ? 'missing' : schema === null ? '-' : `v${String(schema.version)}`,
  summary,
]
