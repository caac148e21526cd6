/** Which letters are meant: by reason, by place, or all. */
import { usageError } from '../shared/errors.ts'
import type { Letter } from './letter.ts'

export interface Selection {
  readonly reason?: string | undefined
  /** `partition:offset` in the dead-letter topic; undefined: any. */
  readonly places?: ReadonlySet<string> | undefined
}

export const isSelected = (letter: Letter, { reason, places }: Selection): boolean =>
  (reason === undefined || letter.reason === reason) &&
  (places === undefined || places.has(`${String(letter.partition)}:${String(letter.offset)}`))

/** `0:17` or `0:17,1:4`. */
export const placesIn = (texts: readonly string[] | undefined): ReadonlySet<string> | undefined => {
  if (texts === undefined || texts.length === 0) return undefined
  const places = texts.flatMap((text) => text.split(','))
  const wrong = places.find((place) => !/^\d{1,9}:\d{1,15}$/.test(place))
  if (wrong === undefined) return new Set(places)
  throw usageError(
    `--offset is '${wrong}', not PARTITION:OFFSET; \`millrace dlq show\` prints them.`,
  )
}
