/** Workers join, leave, die and freeze, again and again; the 95th percentile of what others notice. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { SESSION_TIMEOUT_MS } from './crew.ts'
import { Scene } from './scene.ts'

const ROUNDS = 4
const P95_LIMIT_MS = 1_000
/** Longer than the session, so that the others go on without it. */
const FROZEN_MS = SESSION_TIMEOUT_MS + 3_000

/** Where nothing may be taken back. */
const CLEAN = new Set(['one joins', 'one leaves'])

let scene: Scene | undefined
afterEach(() => scene?.close())

it('partitions that stay with their worker stop for at most a second (95 of 100)', async () => {
  scene = await Scene.open()
  await scene.begin(2)
  await scene.during('nothing happens', () => sleep(5_000))
  for (let round = 0; round < ROUNDS; round++) await oneRound(scene)
  const clean = scene.outcomes.filter(({ what }) => CLEAN.has(what))
  expect(clean.filter(({ aborted }) => aborted > 0)).toEqual([])
  const silences = scene.stayedMs
  const p95 = silences[Math.floor(silences.length * 0.95)] ?? Number.NaN
  console.info(
    `${silences.length} silences of partitions that stayed: median ` +
      `${silences[silences.length >> 1]} ms, 95 % below ${p95} ms, longest ${silences.at(-1)} ms`,
  )
  expect(p95).toBeLessThanOrEqual(P95_LIMIT_MS)
  const { found, expected } = await scene.finish()
  expect(found).toEqual(expected)
}, 600_000)

/** From two workers to two others. */
const oneRound = async (stage: Scene): Promise<void> => {
  const { crew } = stage
  await stage.during('one joins', () => crew.start())
  await stage.during('one leaves', () => crew.end(crew.eldest, 'SIGTERM'))
  await stage.during('one dies while another joins', async () => {
    crew.start()
    await crew.end(crew.eldest, 'SIGKILL')
  })
  const frozen = crew.eldest
  await stage.during('one freezes, then another joins', async () => {
    crew.freeze(frozen)
    await sleep(500)
    crew.start()
    await sleep(FROZEN_MS)
  })
  await stage.during('it wakes', () => {
    crew.wake(frozen)
  })
  await stage.during('one leaves', () => crew.end(frozen, 'SIGTERM'))
}
