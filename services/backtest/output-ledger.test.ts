import { expect, it } from 'vitest'
import { OutputLedger, type WrittenRecord } from './output-ledger.ts'

/** `key:value` in words. */
const recordOf = (text: string, topic: string): WrittenRecord => {
  const [key = '', value = ''] = text.split(':')
  return { topic, partition: 0, key: Buffer.from(key), value: Buffer.from(value) }
}

const differing = (
  recorded: string,
  produced: readonly { task: number; text: string }[],
  topic = 'plain',
) => {
  const ledger = new OutputLedger((name) => name === 'compacted')
  for (const text of recorded.split(' ')) ledger.record(recordOf(text, topic))
  for (const { task, text } of produced) {
    for (const each of text.split(' ')) ledger.produce(task, recordOf(each, topic))
  }
  return ledger.mismatches().shown.map(({ key }) => key)
}

it.each([
  { title: 'the same', recorded: 'a:1 b:1 a:2', produced: 'b:1 a:1 a:2', keys: [] },
  { title: 'another value', recorded: 'a:1 b:1', produced: 'a:1 b:2', keys: ['b'] },
  { title: 'another order of a key', recorded: 'a:1 a:2', produced: 'a:2 a:1', keys: ['a'] },
  { title: 'one too few', recorded: 'a:1 a:2', produced: 'a:1', keys: ['a'] },
  { title: 'twice', recorded: 'a:1 a:1', produced: 'a:1', keys: ['a'] },
  { title: 'going on (L1)', recorded: 'a:1', produced: 'a:1 a:2 b:1', keys: [] },
  { title: 'going on, and different', recorded: 'a:1', produced: 'a:2 a:1', keys: ['a'] },
])('one task: $title', ({ recorded, produced, keys }) => {
  expect(differing(recorded, [{ task: 0, text: produced }])).toEqual(keys)
})

it.each([
  { title: 'in another order', second: 'a:1', keys: [] },
  { title: 'another value', second: 'a:3', keys: ['a'] },
])('several tasks with one key: $title (L2)', ({ second, keys }) => {
  const produced = [
    { task: 0, text: 'a:2' },
    { task: 1, text: second },
  ]
  expect(differing('a:1 a:2', produced)).toEqual(keys)
})

it.each([
  { title: 'its latest was written', recorded: 'a:5', produced: 'a:4 a:5 a:6', keys: [] },
  { title: 'its latest was not', recorded: 'a:5', produced: 'a:4 a:6', keys: ['a'] },
])('a compacted topic: $title (L3)', ({ recorded, produced, keys }) => {
  expect(differing(recorded, [{ task: 0, text: produced }], 'compacted')).toEqual(keys)
})
