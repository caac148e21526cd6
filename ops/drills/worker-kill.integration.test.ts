/** The short form of worker-kill.drill.test.ts: a few kills and freezes, in every run of the tests. */
import { it } from 'vitest'
import { runDrill } from './counting/drill.ts'

const seed = Number(process.env['DRILL_SEED'] ?? Date.now() % 1_000_000)

it(`exactly once, though workers die and sleep (seed ${seed})`, async () => {
  await runDrill({ seed, durationMs: 15_000 })
}, 180_000)
