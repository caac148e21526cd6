import { expect, it } from 'vitest'
import { telemetryMetrics } from '../../../schemas/topics.ts'
import { copartitioned, definePipeline, row, session, tumbling } from '../index.ts'
import { checkTopology, topologyRecordOf } from './topology-record.ts'

const build = (kind: 'session' | 'window', version = 1) => {
  const aggregate = { input: 'points', row: {}, add: () => undefined, close: () => undefined }
  const merge = () => undefined
  return definePipeline({
    name: 'p',
    version,
    inputs: { points: copartitioned(telemetryMetrics) },
    state: { totals: row({ count: 0 }) },
    outputs: {},
    windows: {
      visit:
        kind === 'session'
          ? { ...aggregate, merge, window: session({ gapMs: 1, graceMs: 0 }) }
          : { ...aggregate, window: tumbling({ sizeMs: 1, graceMs: 0 }) },
    },
    keyIdleTtlMs: 1_000,
    keyLimit: { perTask: 1, perGroup: 1, groupOf: () => '' },
  })
}

it('takes a session window for no tumbling one, though their schemas are compatible', () => {
  expect(() => {
    checkTopology(topologyRecordOf(build('window')), build('session', 2))
  }).toThrow(/'visit' was a window and is a session now; give the new one another name/)
})

it('lets an older version go on that has all the newer one keeps', () => {
  checkTopology(topologyRecordOf(build('window', 2)), build('window', 1))
})
