import avro from 'avsc'
import { describe, expect, it } from 'vitest'
import { retentionSettings, partitionCountOf, segmentBytesOf } from './topic-settings.ts'
import { allTopics, LOCAL_BUDGET_BYTES, LOCAL_PARTITIONS, topicNamed } from './topics.ts'

interface Field {
  readonly name: string
  readonly doc?: string
  readonly type: unknown
}

const fieldsOf = (schema: unknown): Field[] => (schema as { fields: Field[] }).fields

describe('the catalogue', () => {
  it('names each topic once', () => {
    const names = allTopics.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
  })

  it('stays below the local budget, open segments included', () => {
    const total = allTopics
      .filter(({ retention }) => retention.bytes > 0)
      .map((topic) => {
        const perPartition = topic.retention.bytes + segmentBytesOf(topic.retention)
        return perPartition * partitionCountOf(topic, LOCAL_PARTITIONS)
      })
      .reduce((sum, bytes) => sum + bytes, 0)
    expect(total).toBeLessThan(LOCAL_BUDGET_BYTES)
  })

  it('says what to do about a name it does not know', () => {
    expect(() => topicNamed('telemetry.metric')).toThrow(/telemetry\.metrics/)
  })
})

describe.each(allTopics.map((topic) => ({ name: topic.name, topic })))('$name', ({ topic }) => {
  const fields = fieldsOf(topic.schema)

  it('is valid Avro with a doc on every field', () => {
    expect(() => avro.Type.forSchema(topic.schema as avro.Schema)).not.toThrow()
    expect(fields.filter(({ doc }) => !doc)).toEqual([])
  })

  it('has a tenant, and its event time is a timestamp field', () => {
    expect(fields.find(({ name }) => name === 'tenant')?.type).toBe('string')
    const eventTime = fields.find(({ name }) => name === topic.eventTime.field)
    const logicalType = topic.eventTime.unit === 'us' ? 'timestamp-micros' : 'timestamp-millis'
    expect(eventTime?.type).toEqual({ type: 'long', logicalType })
  })

  it('demands finite numbers only of doubles', () => {
    const doubles = fields.filter(({ type }) => type === 'double').map(({ name }) => name)
    expect(doubles).toEqual(expect.arrayContaining([...topic.finiteFields]))
  })

  it('is stamped by the broker', () => {
    expect(retentionSettings(topic.retention)['message.timestamp.type']).toBe('LogAppendTime')
  })
})

it('puts the two hot fields of a metric point first', () => {
  const [first, second] = fieldsOf(topicNamed('telemetry.metrics').schema)
  expect([first?.name, second?.name]).toEqual(['timestamp', 'value'])
})
