import { describe, expect, it } from 'vitest'
import { planTopics, type Found, type FoundSubject, type FoundTopic } from './plan.ts'
import { wantedInternal, type WantedTopic } from './wanted-topic.ts'

const schema = (...fields: readonly object[]) => ({ type: 'record', name: 'Thing', fields })
const id = { name: 'id', type: 'string' }
const size = { name: 'size', type: 'double' }
const sizeWithDefault = { ...size, default: 0 }

const settings = {
  'cleanup.policy': 'delete',
  'retention.ms': '1000',
  'message.timestamp.type': 'LogAppendTime',
}
const things: WantedTopic = { name: 'things', summary: 'Things.', partitions: 4, settings }
const withSchema = (next: object): WantedTopic => ({
  ...things,
  subject: { name: 'things-value', schema: { ...next }, compatibility: 'BACKWARD_TRANSITIVE' },
})

interface Existing {
  readonly topic?: FoundTopic
  readonly subject?: FoundSubject
}
const found = ({ topic, subject }: Existing): Found => ({
  topics: new Map(topic === undefined ? [] : [['things', topic]]),
  subjects: new Map(subject === undefined ? [] : [['things-value', subject]]),
})
const existing: FoundTopic = { partitions: 4, settings }
const registered = (...versions: readonly object[]): FoundSubject => ({
  compatibility: 'BACKWARD_TRANSITIVE',
  versions: versions.map((each, index) => ({
    version: index + 1,
    id: index + 1,
    schema: { ...each },
  })),
})

describe('a topic', () => {
  it('that is missing is created with its partitions and settings', () => {
    expect(planTopics([things], found({})).steps).toEqual([
      { kind: 'create-topic', topic: 'things', partitions: 4, settings },
    ])
  })

  it('that is as it should be needs nothing', () => {
    expect(planTopics([things], found({ topic: existing }))).toEqual({
      steps: [],
      refusals: [],
      notes: [],
      unchanged: ['things'],
    })
  })

  it.each([3, 5])('with %i partitions instead of 4 is refused, saying why and what to do', (n) => {
    const plan = planTopics([things], found({ topic: { ...existing, partitions: n } }))
    expect(plan.steps).toEqual([])
    expect(plan.refusals).toEqual([
      {
        kind: 'partitions',
        name: 'things',
        reason: expect.stringMatching(
          new RegExp(`has ${String(n)} partitions, not 4.*MILLRACE_PARTITIONS=${String(n)}`),
        ) as unknown,
      },
    ])
  })

  it('of others is made where it is missing, and left as it is where it is there', () => {
    const foreign = { ...things, isForeign: true }
    expect(planTopics([foreign], found({})).steps).toHaveLength(1)
    const topic = { partitions: 7, settings: { 'message.timestamp.type': 'CreateTime' } }
    expect(planTopics([foreign], found({ topic }))).toMatchObject({
      ...{ steps: [], refusals: [], notes: [], unchanged: ['things'] },
    })
  })

  it('that takes the stamps of producers is repaired', () => {
    const topic = {
      ...existing,
      settings: { ...settings, 'message.timestamp.type': 'CreateTime' },
    }
    expect(planTopics([things], found({ topic })).steps).toEqual([
      {
        kind: 'alter-topic',
        topic: 'things',
        settings: { 'message.timestamp.type': 'LogAppendTime' },
      },
    ])
  })

  it('keeps the retention an operator has chosen, and says so', () => {
    const topic = { ...existing, settings: { ...settings, 'retention.ms': '5000' } }
    const plan = planTopics([things], found({ topic }))
    expect(plan.steps).toEqual([])
    expect(plan.notes).toEqual([expect.stringContaining('keeps retention.ms=5000')])
  })

  it('may spell its cleanup policies in any order', () => {
    const both = (policy: string) => ({ ...settings, 'cleanup.policy': policy })
    const plan = planTopics(
      [{ ...things, settings: both('compact,delete') }],
      found({ topic: { partitions: 4, settings: both('delete, compact') } }),
    )
    expect(plan.unchanged).toEqual(['things'])
  })
})

describe('a schema', () => {
  const plan = (next: object, subject?: FoundSubject) =>
    planTopics(
      [withSchema(next)],
      found({ topic: existing, ...(subject === undefined ? {} : { subject }) }),
    )

  it('that is new is registered after its rule is set', () => {
    expect(plan(schema(id)).steps.map(({ kind }) => kind)).toEqual([
      'set-compatibility',
      'register-schema',
    ])
  })

  it('that is registered in any version needs nothing', () => {
    const { steps, unchanged } = plan(
      schema(id),
      registered(schema(id), schema(id, sizeWithDefault)),
    )
    expect({ steps, unchanged }).toEqual({ steps: [], unchanged: ['things'] })
  })

  it('is the same whatever the order of its JSON keys', () => {
    const reordered = { fields: [{ type: 'string', name: 'id' }], name: 'Thing', type: 'record' }
    expect(plan(schema(id), registered(reordered)).steps).toEqual([])
  })

  it('gets its rule when the subject has none of its own', () => {
    const { steps } = plan(schema(id), { ...registered(schema(id)), compatibility: null })
    expect(steps.map(({ kind }) => kind)).toEqual(['set-compatibility'])
  })

  it.each([
    { title: 'a field with a default', next: schema(id, sizeWithDefault), ok: true },
    { title: 'a field less', next: schema(id), old: schema(id, size), ok: true },
    { title: 'a field without a default', next: schema(id, size), ok: false },
    {
      title: 'another type',
      next: schema({ name: 'id', type: 'long' }),
      ok: false,
    },
  ])('with $title is accepted: $ok', ({ next, old = schema(id), ok }) => {
    const { refusals, steps } = plan(next, registered(old))
    expect(refusals.length).toBe(ok ? 0 : 1)
    expect(steps.length).toBe(ok ? 1 : 0)
    if (!ok) expect(refusals[0]?.reason).toMatch(/things-value.*version 1.*default/s)
  })

  it('must be able to read every version, not only the last', () => {
    const history = registered(schema(), schema(size), schema(id, size))
    const { refusals } = plan(schema(id), history)
    expect(refusals[0]?.reason).toContain('version 1')
  })

  it('under FULL_TRANSITIVE must be readable by every version too', () => {
    const rule = 'FULL_TRANSITIVE'
    const subject = { name: 'things-value', schema: schema(id), compatibility: rule } as const
    const plan = planTopics(
      [{ ...things, subject }],
      found({ topic: existing, subject: registered(schema(id, size)) }),
    )
    expect(plan.refusals[0]?.reason).toContain('version 1 cannot read')
  })
})

describe('internal topics', () => {
  const kinds = ['changelog', 'repartition', 'order', 'ticks', 'late', 'dead-letter'] as const
  const topics = wantedInternal(kinds.map((kind) => ({ name: kind, kind, partitions: 4 })))

  it.each(topics)('$name: stamped by the broker, without schema unless one is given', (topic) => {
    expect(topic.settings['message.timestamp.type']).toBe('LogAppendTime')
    expect(topic.subject).toBeUndefined()
  })

  it('that hold state are compacted and never expire', () => {
    expect(topics[0]?.settings).toMatchObject({ 'cleanup.policy': 'compact', 'retention.ms': '-1' })
  })

  it('must be readable by a version that was rolled back', () => {
    const named = { name: 'p.s.changelog', kind: 'changelog', partitions: 4 } as const
    expect(wantedInternal([{ ...named, schema: schema(id) }])[0]?.subject).toEqual({
      name: 'p.s.changelog-value',
      schema: schema(id),
      compatibility: 'FULL_TRANSITIVE',
    })
  })
})
