import { expect, it } from 'vitest'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from './consumer-protocol.ts'

it('a subscription comes back', () => {
  const subscription = { topics: ['a', 'b'], heldTasks: ['x/0', 'x/1'], generation: 7 }
  expect(decodeSubscription(encodeSubscription(subscription))).toEqual(subscription)
})

it('tasks of an assignment come back; nobody’s assignment is empty', () => {
  const partitions = [
    { topic: 'a', partition: 0 },
    { topic: 'b', partition: 0 },
  ]
  for (const incomplete of [true, false]) {
    const encoded = encodeAssignment({ tasks: ['x/0'], incomplete, partitions })
    expect(decodeAssignment(encoded)).toEqual({ tasks: ['x/0'], incomplete })
  }
  expect(decodeAssignment(Buffer.alloc(0))).toEqual({ tasks: [], incomplete: false })
})

it('a stranger in the group owns nothing', () => {
  // What the Java range assignor sends: no user data.
  const foreign = Buffer.concat([
    Buffer.from([0, 0, 0, 0, 0, 0]),
    Buffer.from([255, 255, 255, 255]),
  ])
  expect(decodeSubscription(foreign)).toEqual({ topics: [], heldTasks: [], generation: -1 })
})
