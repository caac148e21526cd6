import { describe, expect, it } from 'vitest'
import { createReadiness, summarise, type Probe, type ProbeFinding } from './readiness.ts'

const probe = (name: string, check: Probe['check']): Probe => ({
  name,
  remedy: `mend ${name}`,
  check,
})
const ready: ProbeFinding = { state: 'ready', detail: 'fine' }
const works = probe('works', () => Promise.resolve(ready))

const check = (probes: Probe[], nowMs = () => 0) =>
  createReadiness({ probes, deadlineMs: 30, shareMs: 1000, nowMs })

describe('readiness', () => {
  it('is given when every part works', async () => {
    const current = await check([works, { ...works, name: 'too' }]).current()
    expect(current.ready).toBe(true)
    expect(summarise(current)).toBe('All 2 parts work.')
  })

  it.each<{ title: string; probe: Probe; state: string; detail: string; remedy: string }>([
    {
      title: 'a part that says why not',
      probe: probe('sink', async () => ({ state: 'degraded', detail: 'restoring' })),
      state: 'degraded',
      detail: 'restoring',
      remedy: 'mend sink',
    },
    {
      title: 'a finding with a way out of its own',
      probe: probe('kafka', async () => ({
        state: 'failed',
        detail: 'no topics',
        remedy: 'apply',
      })),
      state: 'failed',
      detail: 'no topics',
      remedy: 'apply',
    },
    {
      title: 'a part that cannot be reached, with the innermost reason',
      probe: probe('worker', () =>
        Promise.reject(new Error('fetch failed', { cause: new Error('ECONNREFUSED') })),
      ),
      state: 'failed',
      detail: 'ECONNREFUSED',
      remedy: 'mend worker',
    },
    {
      title: 'a part that never answers',
      probe: probe('registry', () => new Promise(() => undefined)),
      state: 'failed',
      detail: 'no answer within 0.03 s',
      remedy: 'mend registry',
    },
  ])('names $title', async ({ probe, state, detail, remedy }) => {
    const current = await check([works, probe]).current()
    expect(current.ready).toBe(false)
    expect(current.parts[1]).toEqual({ name: probe.name, state, detail, remedy })
    expect(summarise(current)).toBe(`1 of 2 parts do not work: ${probe.name} (${detail}).`)
  })

  it('asks once for many askers, and again when the answer is old', async () => {
    let asked = 0
    let now = 5000
    const counted = probe('counted', async () => ((asked += 1), ready))
    const { current } = check([counted], () => now)
    await Promise.all([current(), current(), current()])
    now += 999
    await current()
    expect(asked).toBe(1)
    now += 1
    await current()
    expect(asked).toBe(2)
  })
})
