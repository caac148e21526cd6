import { describe, expect, it } from 'vitest'
import {
  isFresh,
  isGithubSignature,
  isSameText,
  isStandardSignature,
  TOLERANCE_SECONDS,
} from './signature.ts'

it.each([
  { given: 'a secret', right: 'a secret', same: true },
  { given: 'a secre', right: 'a secret', same: false },
  { given: 'a secret ', right: 'a secret', same: false },
  { given: '', right: 'a secret', same: false },
])('"$given" is the same as "$right": $same', ({ given, right, same }) => {
  expect(isSameText(given, right)).toBe(same)
})

describe('a signature of GitHub', () => {
  // The example of GitHub's documentation, "Validating webhook deliveries".
  const secret = "It's a Secret to Everybody"
  const body = Buffer.from('Hello, World!')
  const right = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'

  it.each([
    { title: 'of the documentation', header: right, body, secret, is: true },
    { title: 'without its name', header: right.slice(7), body, secret, is: false },
    { title: 'in upper case', header: right.toUpperCase(), body, secret, is: false },
    {
      title: 'of another body',
      header: right,
      body: Buffer.from('Hello, World'),
      secret,
      is: false,
    },
    { title: 'by another secret', header: right, body, secret: 'other', is: false },
    { title: 'that is empty', header: '', body, secret, is: false },
  ])('$title: $is', ({ header, body: signed, secret: by, is }) => {
    expect(isGithubSignature(header, signed, by)).toBe(is)
  })
})

describe('a signature after Standard Webhooks', () => {
  // The vector of the specification's reference libraries.
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
  const webhook = {
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    timestamp: '1614265330',
    body: Buffer.from('{"test": 2432232314}'),
    signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  }
  const right = webhook.signature

  it.each([
    { title: 'as it should be', change: {}, is: true },
    { title: 'one of several', change: { signature: `v1,bm9uZQ== ${right}` }, is: true },
    { title: 'without version', change: { signature: right.slice(3) }, is: false },
    { title: 'of another version', change: { signature: right.replace('v1', 'v1a') }, is: false },
    { title: 'of another id', change: { id: 'msg_other' }, is: false },
    { title: 'of another time', change: { timestamp: '1614265331' }, is: false },
    { title: 'of another body', change: { body: Buffer.from('{}') }, is: false },
    {
      title: 'far behind others',
      change: { signature: `${'v1,x '.repeat(10)}${right}` },
      is: false,
    },
  ])('$title: $is', ({ change, is }) => {
    expect(isStandardSignature({ ...webhook, ...change }, secret)).toBe(is)
  })

  it('takes a secret without prefix as it is', () => {
    const signature = 'v1,jvY1RFggx4CFO2Wib/E/Tge+T6Tg+SuLd+lVRK/zoSE='
    expect(isStandardSignature({ ...webhook, signature }, 'a secret of some length')).toBe(true)
  })
})

describe('time', () => {
  const nowMs = 1_674_087_231_000
  it.each([
    { title: 'now', seconds: 0, is: true },
    { title: 'as old as may be', seconds: -TOLERANCE_SECONDS, is: true },
    { title: 'older', seconds: -TOLERANCE_SECONDS - 1, is: false },
    { title: 'as far ahead as may be', seconds: TOLERANCE_SECONDS, is: true },
    { title: 'further ahead', seconds: TOLERANCE_SECONDS + 1, is: false },
  ])('$title: $is', ({ seconds, is }) => {
    expect(isFresh(String(nowMs / 1000 + seconds), nowMs)).toBe(is)
  })

  it.each(['', 'now', '1674087231.5', '-1', '1e9', ' 1674087231'])('"%s" is no time', (text) => {
    expect(isFresh(text, nowMs)).toBe(false)
  })
})
