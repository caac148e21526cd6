/** The short form of chaos.drill.test.ts, in every run of the tests: every kind of fault once. */
import { expect, it } from 'vitest'
import { withoutLocalServers } from '../test/stack.ts'
import { runChaos } from './chaos.ts'
import { FAULT_KINDS } from './plan.ts'

const reason = withoutLocalServers()
const title = 'each record counts once, though every part is killed in a minute'

it.skipIf(reason !== undefined)(
  reason === undefined ? title : `${title} (${reason})`,
  async () => {
    const report = await runChaos({
      minutes: 1,
      signal: new AbortController().signal,
      onLine: (line) => console.info(line),
    })
    expect(report.problems).toEqual([])
    expect(report).toMatchObject({ ok: true, lost: 0, duplicated: 0, wrong: 0 })
    expect(Object.keys(report.byKind).sort()).toEqual([...FAULT_KINDS].sort())
    expect(report.deadLetters).toBe(report.poison)
    expect(report.sink.rows).toBe(report.sink.expected)
  },
  420_000,
)
