/** What several commands take as options, in the same words. */
import { InvalidArgumentError } from 'commander'

export const JSON_OPTION = ['--json', 'one JSON document on standard output'] as const

export const wholeNumber = (text: string): number => {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new InvalidArgumentError('Give a whole number above 0.')
}

export const seconds = (text: string): number => {
  const value = Number(text)
  // setTimeout fires at once beyond 2^31 ms.
  if (value > 0 && value <= 2_000_000) return value
  throw new InvalidArgumentError('Give seconds between 0 and 2000000.')
}
