import { expect, it } from 'vitest'
import {
  decodeAssignedTasks,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from './consumer-protocol.ts'

it('a subscription comes back', () => {
  const subscription = { topics: ['a', 'b'], ownedTasks: ['x/0', 'x/1'], generation: 7 }
  expect(decodeSubscription(encodeSubscription(subscription))).toEqual(subscription)
})

it('tasks of an assignment come back; nobody’s assignment is empty', () => {
  const partitions = [
    { topic: 'a', partition: 0 },
    { topic: 'b', partition: 0 },
  ]
  expect(decodeAssignedTasks(encodeAssignment({ tasks: ['x/0'], partitions }))).toEqual(['x/0'])
  expect(decodeAssignedTasks(Buffer.alloc(0))).toEqual([])
})

it('a stranger in the group owns nothing', () => {
  // What the Java range assignor sends: no user data.
  const foreign = Buffer.concat([
    Buffer.from([0, 0, 0, 0, 0, 0]),
    Buffer.from([255, 255, 255, 255]),
  ])
  expect(decodeSubscription(foreign)).toEqual({ topics: [], ownedTasks: [], generation: -1 })
})
