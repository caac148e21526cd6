import { SchemaError } from '../../../schemas/errors.ts'
import type { Topic } from '../../../schemas/topic.ts'
import { BadInput } from '../bad-input.ts'

/**
 * The record itself, once it is known to have a key.
 *
 * @throws BadInput for parts that no key can hold, and for a key that is too long
 */
export const keyed = <Value>(topic: Pick<Topic<Value>, 'keyOf'>, value: Value): Value => {
  try {
    topic.keyOf(value)
    return value
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error
    throw new BadInput('key', null, `a key that can be (${error.message})`)
  }
}
