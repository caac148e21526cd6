/** Workers die, sleep and change for a minute and a half: nothing is lost, nothing is doubled. */
import { it } from 'vitest'
import { runDrill } from './counting/drill.ts'

// DRILL_SEED repeats a run; its timing is never quite the same.
const seed = Number(process.env['DRILL_SEED'] ?? Date.now() % 1_000_000)

it(`exactly once, whatever happens to workers (seed ${seed})`, async () => {
  await runDrill({ seed, durationMs: 90_000 })
}, 300_000)
