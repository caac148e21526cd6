import { describe, expect, it } from 'vitest'

import type { ProcessReport, StatusReport } from './status.ts'
import { retentionText } from './status-table.ts'
import { troubleLines } from './status-words.ts'

const process = (name: string, changes: Partial<ProcessReport> = {}): ProcessReport => ({
  name,
  pid: 100,
  state: 'ready',
  rssBytes: 1e8,
  port: 9092,
  uptimeSeconds: 300,
  stateSeconds: 75,
  reason: null,
  restarts: 0,
  log: `/data/logs/${name}.log`,
  ...changes,
})

const report = (
  processes: readonly ProcessReport[],
  changes: Partial<StatusReport> = {},
): StatusReport => ({
  ready: false,
  dataDir: '/data',
  supervisorPid: 99,
  uptimeSeconds: 300,
  processes,
  totalRssBytes: 0,
  ports: null,
  disk: { kafkaBytes: 0, clickhouseBytes: 0, logBytes: 0, freeBytes: 5e9 },
  retention: { boundBytes: 0, topics: [], internalTopics: [] },
  ...changes,
})

const lines = (...args: Parameters<typeof report>): string =>
  troubleLines(report(...args)).join('\n')

it.each([
  { forEver: 0, says: 'for 2.0 d; all topics at most 4.98 GB in Kafka, plus state' },
  { forEver: 1, says: 'plus state; 1 topic for ever' },
  { forEver: 2, says: 'plus state; 2 topics for ever' },
])('what is kept, with $forEver topics for ever', ({ forEver, says }) => {
  const bound = { name: 'a', maxAgeSeconds: 172_800, maxBytes: 4.98e9, latestPerKey: false }
  const endless = { ...bound, maxAgeSeconds: null, maxBytes: null }
  const topics = [bound, ...Array.from({ length: forEver }, () => endless)]
  const text = retentionText({ boundBytes: 4.98e9, topics, internalTopics: [] })
  expect(text.endsWith(says)).toBe(true)
})

it('names the topics that keep longer than the others', () => {
  const of = (name: string, days: number) => ({
    name,
    maxAgeSeconds: days * 86_400,
    maxBytes: 1,
    latestPerKey: false,
  })
  const topics = [of('a', 2), of('b', 30), of('c', 2)]
  const text = retentionText({ boundBytes: 1e9, topics, internalTopics: [] })
  expect(text).toMatch(/^telemetry and signals for 2.0 d, b 30.0 d; all topics/)
})

describe('what status says', () => {
  it('nothing when all is well', () => {
    expect(lines([process('kafka')], { ready: true })).toBe('')
  })

  it('how long a hanging server has hung, why that is known, and what will happen', () => {
    const text = lines([
      process('kafka', { state: 'degraded', reason: 'it does not answer in time' }),
      process('worker', { state: 'degraded', reason: 'no connection to Kafka' }),
    ])
    expect(text).toContain('kafka has not been ready for 1 min: it does not answer in time.')
    expect(text).toContain('gives no answer for 2 min is started again by itself')
    expect(text).toContain('/data/logs/kafka.log')
    expect(text).toContain('The others follow')
  })

  it('that a process which died is on its way back', () => {
    const text = lines([
      process('sink', { state: 'starting', restarts: 2, reason: 'was killed by SIGKILL' }),
    ])
    expect(text).toContain('started again since 1 min (restart 2): was killed by SIGKILL.')
    expect(text).toContain('Wait')
  })

  it('to read the log and start anew when a process is given up', () => {
    const text = lines([process('api', { state: 'failed', reason: 'ended with exit code 1' })])
    expect(text).toContain('api is given up: ended with exit code 1.')
    expect(text).toContain('Read /data/logs/api.log')
    expect(text).toContain('npx millrace down --data /data')
  })

  it('what a killed supervisor has left, and how to go on', () => {
    const text = lines([process('kafka'), process('api', { pid: null })], { supervisorPid: null })
    expect(text).toContain('of it still run: kafka.')
    expect(text).toContain('npm start -- --data /data')
  })

  it('that the disk is nearly full, though all works', () => {
    const disk = { kafkaBytes: 0, clickhouseBytes: 0, logBytes: 0, freeBytes: 3e8 }
    expect(lines([process('kafka')], { ready: true, disk })).toContain('only 300 MB free')
  })

  it('that nothing runs', () => {
    expect(lines([], { supervisorPid: null })).toContain('`npm start` starts it')
  })
})
