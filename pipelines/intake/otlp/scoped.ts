/** Items of a message, each below a scope and a resource, as records: the good ones, and what is refused. */
import type { Arrival } from '../arrival.ts'
import { Expansion } from './expansion.ts'
import type { Resource, Scope } from './messages.ts'
import { attempt, type Rejection } from './rejections.ts'
import { originOf, type Origin } from './resource.ts'

export interface Surroundings {
  readonly scope: Scope | null | undefined
  readonly origin: Origin
  readonly arrival: Arrival
}

export interface ScopedItems<Item> {
  readonly scope?: Scope | null | undefined
  readonly items: readonly Item[]
}

export interface ResourceItems<Item> {
  readonly resource?: Resource | null | undefined
  readonly scopes: readonly ScopedItems<Item>[]
}

export const mapScoped = <Item, Value>(
  groups: readonly ResourceItems<Item>[],
  arrival: Arrival,
  recordOf: (item: Item, surroundings: Surroundings) => Value,
): { readonly records: Value[]; readonly rejected: Rejection[] } => {
  const records: Value[] = []
  const rejected: Rejection[] = []
  const expansion = new Expansion()
  for (const { resource, scopes } of groups) {
    const origin = originOf(resource)
    for (const { scope, items } of scopes) {
      expansion.under(scope, items.length)
      const surroundings = { scope, origin, arrival }
      for (const item of items) {
        const record = attempt(rejected, () => recordOf(item, surroundings))
        if (record !== undefined) records.push(record)
      }
    }
  }
  return { records, rejected }
}
