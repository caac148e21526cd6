/** Workers come and go: what stays with its worker does not stop, what moves is handed over cleanly. */
import { afterEach, expect, it } from 'vitest'
import { Scene } from './scene.ts'

/** Generous, since the machine may be busy; the drill measures. */
const UNNOTICED_MS = 2_000

let scene: Scene | undefined
afterEach(() => scene?.close())

it('workers that join and leave stop nobody else, and nothing is taken back', async () => {
  scene = await Scene.open()
  const { crew } = scene
  await scene.begin(2)
  await scene.during('a third joins', () => crew.start())
  await scene.during('the first leaves', () => crew.end(crew.eldest, 'SIGTERM'))
  for (const { stayedMs, movedMs, aborted } of scene.outcomes) {
    expect(stayedMs.length).toBeGreaterThanOrEqual(2)
    expect(movedMs.length).toBeGreaterThanOrEqual(1)
    expect(Math.max(...stayedMs)).toBeLessThan(UNNOTICED_MS)
    expect(aborted).toBe(0)
  }
  const { found, expected } = await scene.finish()
  expect(found).toEqual(expected)
}, 120_000)
