import { createHmac } from 'node:crypto'
import { expect, it } from 'vitest'
import { headersOf, toMessage } from './message.ts'
import { testAnomaly } from './testing/test-anomaly.ts'

it('names each revision, and says where the episode stands', () => {
  const open = toMessage(testAnomaly({ id: 'e1', revision: 2, phase: 'peak' }))
  expect(open.key).toBe('e1-2')
  expect(JSON.parse(open.body)).toMatchObject({
    type: 'millrace.anomaly',
    anomaly: { id: 'e1', revision: 2, phase: 'peak', state: 'open', end: null },
  })
  const closed = toMessage(testAnomaly({ phase: 'closed', end: Date.UTC(2026, 0, 31) }))
  expect(JSON.parse(closed.body)).toMatchObject({
    anomaly: { state: 'closed', end: '2026-01-31T00:00:00.000Z' },
  })
})

const message = { key: 'e1-1', body: '{}' }

it('is not signed without a secret', () => {
  expect(headersOf(message, { secret: undefined, nowMs: 0 })).not.toHaveProperty(
    'webhook-signature',
  )
})

it.each([
  { title: 'plain text', secret: 'sixteen characters', key: Buffer.from('sixteen characters') },
  { title: 'the form of the specification', secret: 'whsec_c2VjcmV0', key: Buffer.from('secret') },
])('is signed over id, time and body with a secret in $title', ({ secret, key }) => {
  const headers = headersOf(message, { secret, nowMs: 1_999 })
  const expected = createHmac('sha256', key).update('e1-1.1.{}').digest('base64')
  expect(headers).toMatchObject({
    'idempotency-key': 'e1-1',
    'webhook-id': 'e1-1',
    'webhook-timestamp': '1',
    'webhook-signature': `v1,${expected}`,
  })
})

it('makes the example of the Standard Webhooks specification', () => {
  const headers = headersOf(
    { key: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}' },
    { secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', nowMs: 1_614_265_330_000 },
  )
  expect(headers['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
})
