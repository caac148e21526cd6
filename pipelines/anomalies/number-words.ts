/** Numbers as people read them: few digits, thousands apart, no more precision than there is. */

const MAX_DECIMALS = 12

/** One number by itself: 242.29 -> `242.3`, 6.944 -> `6.94`, 0.018 -> `0.018`. */
export const plainNumber = (value: number): string => formatted(value, usualDecimals(value))

/**
 * Writes numbers that will be compared: with enough decimals that `distance`, what they differ by,
 * can be seen. 1000.2 beside 1000.1 must not both read 1,000.
 */
export const comparableNumbers = (distance: number): ((value: number) => string) => {
  const magnitude = Math.abs(distance)
  const needed =
    magnitude > 0 && Number.isFinite(magnitude) ? Math.ceil(-Math.log10(magnitude)) + 1 : 0
  const atLeast = Math.min(Math.max(needed, 0), MAX_DECIMALS)
  return (value) => formatted(value, Math.max(usualDecimals(value), atLeast))
}

/** Three or four digits: what a person takes in. */
const usualDecimals = (value: number): number => {
  const magnitude = Math.abs(value)
  if (magnitude === 0 || magnitude >= 1_000) return 0
  if (magnitude >= 10) return 1
  return Math.min(2 - Math.floor(Math.log10(magnitude)), MAX_DECIMALS)
}

const formatted = (value: number, decimals: number): string => {
  const magnitude = Math.abs(value)
  if (magnitude >= 1e15 || (magnitude > 0 && magnitude < 1e-9)) return value.toExponential(2)
  const [whole = '', fraction = ''] = magnitude.toFixed(decimals).split('.')
  const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, ',')
  const kept = fraction.replace(/0+$/, '')
  const text = kept === '' ? grouped : `${grouped}.${kept}`
  return value < 0 && text !== '0' ? `-${text}` : text
}

/** `45 s`, `8 min`, `2 h 5 min`, `3 d 4 h`. */
export const durationWords = (durationMs: number): string => {
  const seconds = Math.round(durationMs / 1_000)
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 120) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return withRest(hours, 'h', minutes % 60, 'min')
  return withRest(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

const withRest = (count: number, unit: string, rest: number, restUnit: string): string =>
  rest === 0 ? `${count} ${unit}` : `${count} ${unit} ${rest} ${restUnit}`
