import process from 'node:process'
import type { AnyTopic } from '../../../schemas/topic.ts'
import { findTopic, topicNamed } from '../../../schemas/topics.ts'
import { EXIT } from '../../shared/errors.ts'
import { reportTopics, type TopicReport } from '../../topics/topic-report.ts'
import { setExitCode } from '../exit-code.ts'
import { withTopicSession } from './session.ts'

export interface DescribeTopicOptions {
  readonly json?: boolean
}

export const runDescribe = (name: string, { json = false }: DescribeTopicOptions): Promise<void> =>
  withTopicSession(async ({ servers, cluster, catalogue, internal }) => {
    const wanted = [...catalogue, ...internal]
    const topic = wanted.find((each) => each.name === name)
    // Throws for a name that is neither in the catalogue nor internal.
    const contract =
      topic === undefined ? contractOf(topicNamed(name)) : contractOf(findTopic(name))
    const [report] = await reportTopics(topic === undefined ? [] : [topic], servers, cluster)
    if (report === undefined) return
    process.stdout.write(
      json ? `${JSON.stringify({ ...report, ...contract })}\n` : textOf(report, contract),
    )
    if (!report.exists) setExitCode(EXIT.negative)
  })

/** Internal topics have no contract with anybody. */
const contractOf = (topic: AnyTopic | undefined): Contract | undefined =>
  topic && {
    key: topic.keyText,
    eventTime: topic.eventTime,
    compatibility: topic.compatibility,
    owner: topic.owner,
    avro: topic.schema,
  }

interface Contract {
  readonly key: string
  readonly eventTime: { readonly field: string; readonly unit: string }
  readonly compatibility: string
  readonly owner: string
  readonly avro: unknown
}

const textOf = (report: TopicReport, contract: Contract | undefined): string => {
  const { name, summary, exists, schema, settings, perPartition } = report
  const registered =
    schema === null
      ? 'none: values are bytes of others'
      : schema.version === null
        ? `${schema.subject} is not registered`
        : `${schema.subject} version ${String(schema.version)}, id ${String(schema.id)}, ${schema.compatibility ?? 'no rule'}`
  return `${[
    `${name}: ${summary}`,
    ...(exists ? [] : ['It does not exist yet; `millrace topics apply` creates it.']),
    ...(contract === undefined
      ? []
      : [
          `written by    ${contract.owner}`,
          `key           ${contract.key}`,
          `event time    ${contract.eventTime.field} (${contract.eventTime.unit} since 1970)`,
        ]),
    `schema        ${registered}`,
    ...Object.entries(settings).map(([key, value]) => `setting       ${key}=${value}`),
    ...perPartition.map(
      ({ partition, startOffset, endOffset }) =>
        `partition ${String(partition)}   offsets ${String(startOffset)} to ${String(endOffset)}`,
    ),
    ...(contract === undefined ? [] : [JSON.stringify(contract.avro, null, 2)]),
  ].join('\n')}\n`
}
