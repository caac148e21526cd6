import { expect, it } from 'vitest'

import { judgeVersion } from './data-version.ts'

const current = 3
const upgradable = (from: number): boolean => from === 2

it.each([
  { title: 'an empty folder', text: undefined, holdsOther: false, kind: 'new' },
  { title: 'a folder of something else', text: undefined, holdsOther: true, kind: 'refuse' },
  { title: 'the current layout', text: '3\n', holdsOther: true, kind: 'current' },
  { title: 'an older layout with a way up', text: '2', holdsOther: true, kind: 'upgrade' },
  { title: 'an older layout without a way up', text: '1', holdsOther: true, kind: 'refuse' },
  { title: 'a newer layout', text: '4', holdsOther: true, kind: 'refuse' },
  { title: 'no number', text: 'three', holdsOther: true, kind: 'refuse' },
  { title: 'an empty version file', text: '', holdsOther: true, kind: 'refuse' },
])('judges $title: $kind', ({ text, holdsOther, kind }) => {
  expect(judgeVersion({ text, holdsOther, current, upgradable }).kind).toBe(kind)
})

it('says what is wrong with a newer layout', () => {
  expect(judgeVersion({ text: '9', holdsOther: true, current, upgradable })).toEqual({
    kind: 'refuse',
    reason: expect.stringContaining('layout 9 is newer than 3') as unknown,
  })
})
