/** CreateTopics v4, DeleteTopics v3, DescribeConfigs v2, IncrementalAlterConfigs v0, DeleteGroups v1. */
import type { Api } from './api.ts'

export interface NewTopic {
  readonly topic: string
  /** -1: the broker's default. */
  readonly partitions: number
  /** -1: the broker's default. */
  readonly replicationFactor?: number
  /** Topic settings, e.g. `cleanup.policy`. */
  readonly configs?: Readonly<Record<string, string>>
}

export interface CreateTopicsRequest {
  readonly topics: readonly NewTopic[]
  readonly timeoutMs: number
  readonly validateOnly: boolean
}

export interface TopicResult {
  readonly topic: string
  readonly errorCode: number
  readonly errorMessage: string | null
}

export const createTopicsApi: Api<CreateTopicsRequest, readonly TopicResult[]> = {
  name: 'CreateTopics',
  key: 19,
  version: 4,
  flexible: false,
  write(writer, request) {
    writer.array(request.topics, ({ topic, partitions, replicationFactor, configs }) => {
      writer.string(topic)
      writer.int32(partitions)
      writer.int16(replicationFactor ?? -1)
      writer.array([], () => undefined) // no manual assignments
      writer.array(Object.entries(configs ?? {}), ([name, value]) => {
        writer.string(name)
        writer.string(value)
      })
    })
    writer.int32(request.timeoutMs)
    writer.boolean(request.validateOnly)
  },
  read(reader) {
    reader.int32() // throttle time
    return reader.array(() => ({
      topic: reader.string(),
      errorCode: reader.int16(),
      errorMessage: reader.nullableString(),
    }))
  },
}

export interface DeleteTopicsRequest {
  readonly topics: readonly string[]
  readonly timeoutMs: number
}

export const deleteTopicsApi: Api<DeleteTopicsRequest, readonly TopicResult[]> = {
  name: 'DeleteTopics',
  key: 20,
  version: 3,
  flexible: false,
  write(writer, request) {
    writer.array(request.topics, (topic) => {
      writer.string(topic)
    })
    writer.int32(request.timeoutMs)
  },
  read(reader) {
    reader.int32() // throttle time
    return reader.array(() => ({
      topic: reader.string(),
      errorCode: reader.int16(),
      errorMessage: null,
    }))
  },
}

const TOPIC_RESOURCE = 2

export interface DescribedConfig {
  readonly name: string
  /** Null when the setting is sensitive. */
  readonly value: string | null
  /** Set on the topic itself, not inherited from the broker. */
  readonly isOverride: boolean
}

export interface TopicConfigs extends TopicResult {
  readonly configs: readonly DescribedConfig[]
}

const SOURCE_TOPIC = 1

/** The request lists topic names. */
export const describeConfigsApi: Api<readonly string[], readonly TopicConfigs[]> = {
  name: 'DescribeConfigs',
  key: 32,
  version: 2,
  flexible: false,
  write(writer, topics) {
    writer.array(topics, (topic) => {
      writer.int8(TOPIC_RESOURCE)
      writer.string(topic)
      writer.array(null, () => undefined) // all settings
    })
    writer.boolean(false) // synonyms
  },
  read(reader) {
    reader.int32() // throttle time
    return reader.array((): TopicConfigs => {
      const errorCode = reader.int16()
      const errorMessage = reader.nullableString()
      reader.int8() // resource type
      const topic = reader.string()
      const configs = reader.array((): DescribedConfig => {
        const name = reader.string()
        const value = reader.nullableString()
        reader.boolean() // read only
        const source = reader.int8()
        reader.boolean() // sensitive
        reader.array(() => {
          reader.string()
          reader.nullableString()
          reader.int8()
        })
        return { name, value, isOverride: source === SOURCE_TOPIC }
      })
      return { topic, errorCode, errorMessage, configs }
    })
  },
}

export interface TopicConfigChange {
  readonly topic: string
  /** Null removes the override, so that the broker's default holds again. */
  readonly configs: Readonly<Record<string, string | null>>
}

const SET = 0
const DELETE = 1

export const alterConfigsApi: Api<readonly TopicConfigChange[], readonly TopicResult[]> = {
  name: 'IncrementalAlterConfigs',
  key: 44,
  version: 0,
  flexible: false,
  write(writer, changes) {
    writer.array(changes, ({ topic, configs }) => {
      writer.int8(TOPIC_RESOURCE)
      writer.string(topic)
      writer.array(Object.entries(configs), ([name, value]) => {
        writer.string(name)
        writer.int8(value === null ? DELETE : SET)
        writer.string(value)
      })
    })
    writer.boolean(false) // validate only
  },
  read(reader) {
    reader.int32() // throttle time
    return reader.array((): TopicResult => {
      const errorCode = reader.int16()
      const errorMessage = reader.nullableString()
      reader.int8() // resource type
      return { topic: reader.string(), errorCode, errorMessage }
    })
  },
}

export interface GroupResult {
  readonly groupId: string
  readonly errorCode: number
}

/** The request lists group ids. */
export const deleteGroupsApi: Api<readonly string[], readonly GroupResult[]> = {
  name: 'DeleteGroups',
  key: 42,
  version: 1,
  flexible: false,
  write(writer, groupIds) {
    writer.array(groupIds, (groupId) => {
      writer.string(groupId)
    })
  },
  read(reader) {
    reader.int32() // throttle time
    return reader.array(() => ({ groupId: reader.string(), errorCode: reader.int16() }))
  },
}
