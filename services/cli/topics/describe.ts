import process from 'node:process'
import { topicNamed } from '../../../schemas/topics.ts'
import { EXIT } from '../../shared/errors.ts'
import { reportTopics, type TopicReport } from '../../topics/topic-report.ts'
import type { ListTopicsOptions } from '../commands/topics.ts'
import { setExitCode } from '../exit-code.ts'
import { withTopicSession } from './session.ts'

export const runDescribe = async (
  name: string,
  { json = false }: ListTopicsOptions,
): Promise<void> => {
  const { keyText, eventTime, compatibility, owner, schema } = topicNamed(name)
  await withTopicSession(async ({ servers, cluster, wanted }) => {
    const [report] = await reportTopics(
      wanted.filter((topic) => topic.name === name),
      servers,
      cluster,
    )
    if (report === undefined) return
    const contract = { key: keyText, eventTime, compatibility, owner, avro: schema }
    process.stdout.write(
      json ? `${JSON.stringify({ ...report, ...contract })}\n` : textOf(report, contract),
    )
    if (!report.exists) setExitCode(EXIT.negative)
  })
}

interface Contract {
  readonly key: string
  readonly eventTime: { readonly field: string; readonly unit: string }
  readonly compatibility: string
  readonly owner: string
  readonly avro: unknown
}

const textOf = (report: TopicReport, contract: Contract): string => {
  const { name, summary, exists, schema, settings, perPartition } = report
  const registered =
    schema === null || schema.version === null
      ? 'not registered'
      : `${schema.subject} version ${String(schema.version)}, id ${String(schema.id)}`
  return `${[
    `${name}: ${summary}`,
    ...(exists ? [] : ['It does not exist yet; `millrace topics apply` creates it.']),
    `written by    ${contract.owner}`,
    `key           ${contract.key}`,
    `event time    ${contract.eventTime.field} (${contract.eventTime.unit} since 1970)`,
    `schema        ${registered}, ${contract.compatibility}`,
    ...Object.entries(settings).map(([key, value]) => `setting       ${key}=${value}`),
    ...perPartition.map(
      ({ partition, startOffset, endOffset }) =>
        `partition ${String(partition)}   offsets ${String(startOffset)} to ${String(endOffset)}`,
    ),
    JSON.stringify(contract.avro, null, 2),
  ].join('\n')}\n`
}
