import { expect, it } from 'vitest'
import { LOCAL_PARTITIONS } from '../../schemas/topics.ts'
import { boundOf, totalBytes } from './kept-bytes.ts'
import { productTopics } from './product-topics.ts'
import { wantedForeign } from './wanted-topic.ts'

const { catalogue, internal } = productTopics({ spreadPartitions: LOCAL_PARTITIONS })
const bounds = [...catalogue, ...internal].map(boundOf)
const foreign = wantedForeign(['otlp_metrics', 'otlp_logs', 'otlp_spans']).map(boundOf)

it("all topics of a local stack together stay below 5 GB, a Collector's among them", () => {
  expect(totalBytes([...bounds, ...foreign])).toBeLessThan(5e9)
})

it('only configuration and keys are kept for ever, and only state grows with its keys', () => {
  const unbounded = bounds.filter(({ maxBytes }) => maxBytes === null)
  const forEver = unbounded.filter(({ latestPerKey }) => !latestPerKey)
  expect(forEver.map(({ name }) => name)).toEqual(['control.config', 'control.keys'])
  const state = unbounded.filter(({ latestPerKey }) => latestPerKey)
  expect(state.map(({ name }) => name.endsWith('.changelog'))).not.toContain(false)
})

it('a topic takes its bound and the open segment, in each partition', () => {
  const settings = {
    'cleanup.policy': 'delete',
    'retention.ms': '5000',
    'retention.bytes': '100',
    'segment.bytes': '10',
  }
  expect(boundOf({ name: 'a', summary: '', partitions: 3, settings })).toEqual({
    name: 'a',
    maxAgeSeconds: 5,
    maxBytes: 330,
    latestPerKey: false,
  })
})
