/** The catalogue as an AsyncAPI 3.0 document: what others need to produce and consume. */
import { partitionCountOf, retentionSettings } from './topic-settings.ts'
import { allTopics, LOCAL_PARTITIONS } from './topics.ts'
import type { AnyTopic } from './topic.ts'

const VERSION = '0.1.0'
const AVRO_FORMAT = 'application/vnd.apache.avro;version=1.9.0'
const PARTITIONING =
  'Partition = toPositive(murmur2(key)) mod partitions, the default of the Java client and of ' +
  'kafkajs. A record with another key or on another partition is accepted and passed on once ' +
  'through a repartition topic.'

type Json = Readonly<Record<string, unknown>>

export const asyncApiDocument = (topics: readonly AnyTopic[] = allTopics): Json => ({
  asyncapi: '3.0.0',
  info: {
    title: 'Millrace',
    version: VERSION,
    description:
      'The topics of Millrace. Values are Avro in the Confluent wire format (byte 0, schema id as ' +
      'four bytes big-endian, body), with the subject <topic>-value. Record timestamps are the ' +
      'time of arrival at the broker; event time is a field of the value. Read with ' +
      'isolation.level=read_committed.',
  },
  defaultContentType: 'application/vnd.apache.avro',
  servers: {
    local: {
      host: '127.0.0.1:9092',
      protocol: 'kafka',
      description: 'What `npm start` brings up; the registry listens on 8081.',
      bindings: {
        kafka: {
          schemaRegistryUrl: 'http://127.0.0.1:8081/apis/ccompat/v7',
          schemaRegistryVendor: 'apicurio',
          bindingVersion: '0.5.0',
        },
      },
    },
  },
  channels: Object.fromEntries(topics.map((topic) => [idOf(topic), channelOf(topic)])),
  operations: Object.fromEntries(topics.flatMap(operationsOf)),
  components: {
    messages: Object.fromEntries(topics.map((topic) => [idOf(topic), messageOf(topic)])),
  },
})

/** AsyncAPI keys are referenced by JSON pointers; dots would be legal but read badly. */
const idOf = ({ name }: AnyTopic): string =>
  name.replace(/[.-](\w)/g, (_, letter: string) => letter.toUpperCase())

const channelOf = (topic: AnyTopic): Json => {
  const settings = retentionSettings(topic.retention)
  return {
    address: topic.name,
    title: topic.name,
    summary: topic.summary,
    description: descriptionOf(topic),
    messages: { [idOf(topic)]: { $ref: `#/components/messages/${idOf(topic)}` } },
    bindings: {
      kafka: {
        topic: topic.name,
        partitions: partitionCountOf(topic, LOCAL_PARTITIONS),
        topicConfiguration: {
          'cleanup.policy': topic.retention.cleanup.split(','),
          'retention.ms': Number(settings['retention.ms']),
          'retention.bytes': Number(settings['retention.bytes']),
        },
        bindingVersion: '0.5.0',
      },
    },
    'x-owner': topic.owner,
    'x-compatibility': topic.compatibility,
    'x-event-time': topic.eventTime,
    'x-spread': topic.partitions === 'spread',
  }
}

const descriptionOf = (topic: AnyTopic): string =>
  [
    `Key: ${topic.keyText}`,
    topic.name === 'control.ticks' ? 'Partition: every one gets each tick.' : PARTITIONING,
    `Event time: ${topic.eventTime.field} (${topic.eventTime.unit} since 1970, UTC).`,
    ...(topic.finiteFields.length === 0
      ? []
      : [`NaN and infinite values are refused in: ${topic.finiteFields.join(', ')}.`]),
    `Written by: ${topic.owner}. Compatibility: ${topic.compatibility}.`,
  ].join('\n')

const messageOf = (topic: AnyTopic): Json => ({
  name: topic.name,
  title: topic.summary,
  contentType: 'application/vnd.apache.avro',
  payload: { schemaFormat: AVRO_FORMAT, schema: topic.schema },
  bindings: {
    kafka: {
      key: { type: 'string', description: topic.keyText },
      schemaIdLocation: 'payload',
      schemaIdPayloadEncoding: 'confluent',
      schemaLookupStrategy: 'TopicNameStrategy',
      bindingVersion: '0.5.0',
    },
  },
})

const operationsOf = (topic: AnyTopic): [string, Json][] => {
  const id = idOf(topic)
  const pascal = id.charAt(0).toUpperCase() + id.slice(1)
  const channel = { $ref: `#/channels/${id}` }
  const receive: [string, Json] = [`receive${pascal}`, { action: 'receive', channel }]
  const send: [string, Json] = [`send${pascal}`, { action: 'send', channel }]
  switch (topic.flow) {
    case 'in':
      return [receive]
    case 'out':
      return [send]
    case 'both':
      return [receive, send]
  }
}
