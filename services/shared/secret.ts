import { inspect } from 'node:util'

const HIDDEN = '[secret]'

/**
 * A value that must not appear in logs, errors or dumps. Whatever prints it shows `[secret]`; the
 * one place that hands it to a client says `reveal()`, which is easy to find in a review.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return HIDDEN
  }

  toJSON(): string {
    return HIDDEN
  }

  [inspect.custom](): string {
    return HIDDEN
  }
}
