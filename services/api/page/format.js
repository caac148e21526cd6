/** Values, times and labels as people read them. Pure: no document, no clock. */

const binaryPrefixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi']
const decimalPrefixes = ['', 'k', 'M', 'G', 'T', 'P']

/** @param {number} value @param {number} [digits] */
const significant = (value, digits = 4) =>
  value === 0 ? '0' : String(Number(value.toPrecision(digits)))

/**
 * @param {number} value
 * @param {{ base: number, prefixes: readonly string[] }} scale
 */
const scaled = (value, { base, prefixes }) => {
  const steps = value === 0 ? 0 : Math.floor(Math.log(Math.abs(value)) / Math.log(base))
  const step = Math.min(Math.max(steps, 0), prefixes.length - 1)
  return { text: significant(value / base ** step), prefix: prefixes[step] ?? '' }
}

/**
 * UCUM units as OpenTelemetry uses them: By, By/s, 1 (a ratio), s, ms, {request} (a plain count;
 * braces only say of what, as the name of the metric does).
 *
 * @param {number | string | null | undefined} value a number, or "NaN" and the like
 * @param {string | null} unit
 */
export const formatValue = (value, unit) => {
  if (value === null || value === undefined) return '–'
  if (typeof value === 'string' || !Number.isFinite(value)) return String(value)
  if (unit === '1') return `${significant(value * 100, 3)} %`
  if (unit === '%') return `${significant(value, 3)} %`
  if (unit !== null && /^By\b/.test(unit)) {
    const { text, prefix } = scaled(value, { base: 1024, prefixes: binaryPrefixes })
    return `${text} ${prefix}B${unit.slice(2)}`
  }
  const { text, prefix } = scaled(value, { base: 1000, prefixes: decimalPrefixes })
  const name = unit === null ? '' : unit.replaceAll(/\{[^}]*\}/g, '').replace(/^1(?=\/)/, '')
  const spaced = name === '' || name.startsWith('/') ? name : ` ${name}`
  // 2.5 k ms would be read wrongly: only plain counts take a prefix.
  return name === '' || name.startsWith('/')
    ? `${text}${prefix && ` ${prefix}`}${spaced}`
    : `${significant(value)}${spaced}`
}

/** @param {number} count */
export const formatCount = (count) => count.toLocaleString('en-US')

/** @param {number} ms */
export const formatDuration = (ms) => {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 120) return `${minutes} min`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`
}

/** @param {number} ms */
export const formatUtc = (ms) => `${new Date(ms).toISOString().replace('T', ' ').slice(0, 19)} UTC`

/**
 * The reader's own time; the date only where it is not today's.
 *
 * @param {number} ms
 * @param {number} nowMs
 */
export const formatLocal = (ms, nowMs) => {
  const time = new Date(ms)
  const clock = time.toLocaleTimeString(undefined, { hour12: false })
  return time.toDateString() === new Date(nowMs).toDateString()
    ? clock
    : `${localDate(time)} ${clock}`
}

/** @param {Date} time */
const localDate = (time) =>
  `${time.getFullYear()}-${String(time.getMonth() + 1).padStart(2, '0')}-${String(time.getDate()).padStart(2, '0')}`

/** @param {Readonly<Record<string, string>>} labels */
export const formatLabels = (labels) =>
  Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
    .join('  ')

/** JSON has no NaN; a gap in the line is how a chart shows one. @param {unknown} value */
export const plottable = (value) =>
  typeof value === 'number' && Number.isFinite(value) ? value : null
