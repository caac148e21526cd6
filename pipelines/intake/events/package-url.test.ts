import { expect, it } from 'vitest'
import { packageName } from './package-url.ts'

it.each([
  { purl: 'pkg:npm/cart@2.0.1', name: 'cart', version: '2.0.1' },
  { purl: 'pkg:npm/@shop/cart@2.0.1', name: 'cart', version: '2.0.1' },
  { purl: 'pkg:npm/%40shop/cart', name: 'cart', version: undefined },
  { purl: 'pkg:oci/checkout@sha256%3A0b31?tag=v1.4.0', name: 'checkout', version: 'v1.4.0' },
  { purl: 'pkg:oci/checkout@sha256%3A0b31', name: 'checkout', version: 'sha256:0b31' },
  { purl: 'pkg:golang/example.org/a/b@v1.0.0#sub/path', name: 'b', version: 'v1.0.0' },
  { purl: 'pkg:generic/100%25@1%', name: '100%', version: '1%' },
])('$purl is $name $version', ({ purl, name, version }) => {
  expect(packageName(purl)).toEqual({ name, version })
})

it.each(['', 'checkout:1.0', 'pkg:npm', 'pkg:npm/', 'https://example.org/a'])(
  '%s is none',
  (text) => {
    expect(packageName(text)).toBeUndefined()
  },
)
