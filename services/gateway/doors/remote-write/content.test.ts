import { expect, it } from 'vitest'
import { isSnappy, versionOf } from './content.ts'

it.each([
  { contentType: 'application/x-protobuf', version: '1.0' },
  { contentType: 'application/x-protobuf;proto=prometheus.WriteRequest', version: '1.0' },
  { contentType: 'application/x-protobuf; PROTO="io.prometheus.write.v2.Request"', version: '2.0' },
  { contentType: 'application/x-protobuf;proto=some.Other', version: undefined },
  { contentType: 'application/x-protobuf;proto=constructor', version: undefined },
])('$contentType is version $version', ({ contentType, version }) => {
  expect(versionOf(contentType)).toBe(version)
})

it.each([
  { encoding: undefined, is: true },
  { encoding: ' Snappy', is: true },
  { encoding: 'identity', is: false },
])('Content-Encoding $encoding is Snappy: $is', ({ encoding, is }) => {
  expect(isSnappy(encoding)).toBe(is)
})
