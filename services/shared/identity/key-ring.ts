/**
 * The keys of an installation, as `control.keys` has them, in memory.
 *
 * K1: whether a key is unknown or its secret is wrong, the same work is done and the same answer
 *     given; only who has the right secret learns that the key expired or was revoked.
 * K2: a key that was revoked once stays so, whatever comes later.
 * K3: an entry that cannot be read may have been a revocation: its key is refused from then on.
 */
import { timingSafeEqual } from 'node:crypto'
import type { KeyEntry } from '../../../schemas/generated/control-keys.ts'
import { KEY_SEPARATOR } from '../../../schemas/topic.ts'
import { hashOfSecret, type ApiKey } from './api-key.ts'
import { isRole, isSignalKind, type Grant } from './principal.ts'

const MAX_KEYS = 100_000
const SHA256_HEX = /^[0-9a-f]{64}$/
const KEY_ID = /^[0-9a-f]{12}$/
const ofNoKey = Buffer.alloc(32)

interface KnownKey {
  readonly hash: Buffer
  readonly grant: Grant
  readonly expiresMs: number
  readonly revoked: boolean
}

export type KeyCheck =
  | { readonly kind: 'grant'; readonly grant: Grant }
  | { readonly kind: 'refused'; readonly why: string }

export class KeyRing {
  readonly #keys = new Map<string, KnownKey>()

  /** Keys that are or were there. */
  get size(): number {
    return this.#keys.size
  }

  /** False for an entry that cannot be meant, and when there is no room for a further key. */
  add(entry: KeyEntry): boolean {
    const known = this.#keys.get(entry.id)
    if (known === undefined && this.#keys.size >= MAX_KEYS) return false
    if (!SHA256_HEX.test(entry.secretSha256)) return false
    const roles = entry.roles.filter(isRole)
    const kinds = entry.kinds.filter(isSignalKind)
    this.#keys.set(entry.id, {
      hash: Buffer.from(entry.secretSha256, 'hex'),
      grant: {
        via: 'key',
        id: `key:${entry.id}`,
        name: entry.name,
        tenants: entry.tenant,
        roles,
        kinds,
      },
      expiresMs: entry.expires ?? Infinity,
      revoked: known?.revoked === true || entry.state !== 'active',
    })
    return true
  }

  /**
   * An entry that cannot be read or meant, of which only the record's key is known (K3). Entries that
   * `millrace keys` writes name their key there; whatever else stands in the topic is no key's.
   */
  lose(recordKey: string): void {
    const id = recordKey.slice(recordKey.lastIndexOf(KEY_SEPARATOR) + 1)
    const known = this.#keys.get(id)
    if (known !== undefined) this.#keys.set(id, { ...known, revoked: true })
    else if (KEY_ID.test(id) && this.#keys.size < MAX_KEYS) this.#keys.set(id, lostKey(id))
  }

  clear(): void {
    this.#keys.clear()
  }

  check({ id, secret }: ApiKey, nowMs: number): KeyCheck {
    const known = this.#keys.get(id)
    const isRight = timingSafeEqual(hashOfSecret(secret), known?.hash ?? ofNoKey)
    if (known === undefined || !isRight) return refused('there is no such key')
    if (known.revoked) return refused(`the key ${id} was revoked`)
    if (nowMs >= known.expiresMs) {
      return refused(`the key ${id} expired at ${new Date(known.expiresMs).toISOString()}`)
    }
    return { kind: 'grant', grant: known.grant }
  }
}

/** Its hash may come later; that it is revoked stays (K2). */
const lostKey = (id: string): KnownKey => ({
  hash: ofNoKey,
  grant: { via: 'key', id: `key:${id}`, name: '', tenants: '', roles: [], kinds: [] },
  expiresMs: 0,
  revoked: true,
})

const refused = (why: string): KeyCheck => ({ kind: 'refused', why })
