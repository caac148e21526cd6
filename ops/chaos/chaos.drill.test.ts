/** Five minutes, three times, each with a seed of the commit's hash: nobody picks them. */
import { expect, it } from 'vitest'
import { withoutLocalServers } from '../test/stack.ts'
import { commitHash, runChaos, seedOf } from './chaos.ts'

const reason = withoutLocalServers()

it.skipIf(reason !== undefined).each([0, 1, 2])(
  `each record counts once, seed ${reason === undefined ? '%i of the commit' : `%i (${reason})`}`,
  async (n) => {
    const report = await runChaos({
      minutes: 5,
      seed: seedOf(commitHash(), n),
      signal: new AbortController().signal,
      onLine: (line) => console.info(line),
    })
    expect(report.problems).toEqual([])
    expect(report).toMatchObject({ ok: true, lost: 0, duplicated: 0, wrong: 0 })
    expect(report.faults).toBeGreaterThanOrEqual(60)
  },
  1_200_000,
)
