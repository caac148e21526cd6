/** What several commands take as options, in the same words. */
import { InvalidArgumentError } from 'commander'
import { highestPortBase, isPortBase, lowestPort } from '../../../infra/local/ports.ts'

export const JSON_OPTION = ['--json', 'one JSON document on standard output'] as const

export const wholeNumber = (text: string): number => {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new InvalidArgumentError('Give a whole number above 0.')
}

export const portBase = (text: string): number => {
  const base = Number(text)
  if (isPortBase(base)) return base
  throw new InvalidArgumentError(`Give a whole number from ${lowestPort} to ${highestPortBase}.`)
}

export const seconds = (text: string): number => {
  const value = Number(text)
  // setTimeout fires at once beyond 2^31 ms.
  if (value > 0 && value <= 2_000_000) return value
  throw new InvalidArgumentError('Give seconds between 0 and 2000000.')
}
