/** Keys as `millrace keys create` would have made them, without Kafka. */
import type { KeyEntry } from '../../../../schemas/generated/control-keys.ts'
import { createApiKey } from '../api-key.ts'
import { KeyRing } from '../key-ring.ts'

export interface TestKey {
  readonly key: string
  readonly entry: KeyEntry
}

export const testKey = (part: Partial<KeyEntry> = {}): TestKey => {
  const { id, key, secretSha256 } = createApiKey()
  return {
    key: key.reveal(),
    entry: {
      timestamp: 0,
      tenant: 'acme',
      id,
      name: 'a test',
      secretSha256,
      roles: [],
      kinds: [],
      expires: null,
      state: 'active',
      actor: 'the test',
      reason: null,
      ...part,
    },
  }
}

export const ringOf = (...keys: readonly TestKey[]): KeyRing => {
  const ring = new KeyRing()
  for (const { entry } of keys) ring.add(entry)
  return ring
}
