/** What becomes of one event of another system. */
import type { Arrival } from '../arrival.ts'
import { BadInput } from '../bad-input.ts'

export type Mapping<Value> =
  | { readonly kind: 'mapped'; readonly value: Value }
  /** Understood, and no change of a service: nothing to write, and no fault of the sender. */
  | { readonly kind: 'ignored'; readonly reason: string }
  | { readonly kind: 'refused'; readonly fault: BadInput }

/** What is known of an event besides its body. */
export interface EventArrival extends Arrival {
  /** Said in the address or a header: wins over what the body says. */
  readonly service?: string | undefined
  readonly environment?: string | undefined
}

export const ignored = (reason: string): Mapping<never> => ({ kind: 'ignored', reason })

/** Runs a mapping; BadInput that it throws is its refusal. */
export const mapping = <Value>(map: () => Value | Mapping<never>): Mapping<Value> => {
  try {
    const result = map()
    return isMapping(result) ? result : { kind: 'mapped', value: result }
  } catch (error) {
    if (error instanceof BadInput) return { kind: 'refused', fault: error }
    throw error
  }
}

const isMapping = (result: unknown): result is Mapping<never> =>
  typeof result === 'object' && result !== null && 'kind' in result && result.kind === 'ignored'
