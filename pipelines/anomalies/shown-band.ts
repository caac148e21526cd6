/**
 * The band as it is told. A quantity that has never been negative (bytes, a duration, a share) will
 * hardly become so: where the band reaches below 0, its lower edge is shown as 0.
 *
 * B1: verdicts, scores and what is learned rest on the band as measured; only records and messages
 *     show this one. A value that is negative after all is shown with the band it left.
 */

export const shownLower = (
  { neverNegative }: { readonly neverNegative: number },
  { value, lower }: { readonly value: number; readonly lower: number },
): number => (neverNegative === 1 && value >= 0 ? Math.max(0, lower) : lower)
