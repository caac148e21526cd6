/**
 * What a message comes to beside its bytes. What stands in it once, attributes of a resource, a scope, a
 * histogram, is copied to everything below, and a thing below may take two bytes: a body of one kB could
 * fill all memory, or keep a process busy for an hour.
 */
import { BadInput } from '../bad-input.ts'
import type { Attributes } from './any-value.ts'
import { isGiven, type Scope } from './messages.ts'

/** Points, spans, entries of one message. */
const MAX_ITEMS = 250_000
/** Attributes copied, of one message: as many take a second or two, and 200 MB. */
const MAX_COPIES = 4_000_000
/** Of records that wait until all are made: memory, where others are only time. */
const KEPT_WEIGHT = 4
/** So much text costs as much as another attribute. */
const COPY_CHARACTERS = 64

export class Expansion {
  #items = 0
  #copies = 0

  /** Records below a scope, each of which has its attributes. @throws BadInput */
  under(scope: Scope | null | undefined, count: number): void {
    this.items(count)
    if (isGiven(scope)) this.copies(KEPT_WEIGHT * count * (scope.attributes?.length ?? 0))
  }

  /** @throws BadInput */
  items(count: number): void {
    this.#items += count
    if (this.#items <= MAX_ITEMS) return
    throw new BadInput('body', null, `a message of at most ${String(MAX_ITEMS)} records`)
  }

  /** @throws BadInput */
  copies(attributes: number): void {
    this.#copies += attributes
    if (this.#copies <= MAX_COPIES) return
    const limit = `a message whose records have less in common: what they share comes to more than ${String(MAX_COPIES)} attributes`
    throw new BadInput('body', null, limit)
  }
}

/** What a copy of them costs, in attributes. */
export const weightOf = (attributes: Readonly<Attributes>): number => {
  let weight = 0
  for (const [name, value] of Object.entries(attributes)) {
    weight += 1 + (name.length + value.length) / COPY_CHARACTERS
  }
  return weight
}
