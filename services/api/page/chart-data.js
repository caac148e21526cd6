/** From an answer of the API to the columns a chart draws. Pure. */
import { plottable } from './format.js'

/** A pause this many times the usual distance is no line to draw: nothing was measured there. */
const gapFactor = 4

/**
 * @param {readonly any[]} items points, oldest first
 * @returns {{ times: number[], rows: (any | null)[] }} a null row breaks the line
 */
export const withGaps = (items) => {
  const times = items.map((item) => Date.parse(item.timestamp))
  const distances = times.slice(1).map((time, index) => time - (times[index] ?? time))
  const usual = median(distances.filter((distance) => distance > 0))
  /** @type {{ times: number[], rows: (any | null)[] }} */
  const result = { times: [], rows: [] }
  items.forEach((item, index) => {
    const time = times[index] ?? 0
    const before = times[index - 1]
    if (before !== undefined && time - before > usual * gapFactor) {
      result.times.push(before + usual)
      result.rows.push(null)
    }
    result.times.push(time)
    result.rows.push(item)
  })
  return result
}

/** @param {number[]} values */
const median = (values) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.POSITIVE_INFINITY

export const columns = /** @type {const} */ (['upper', 'lower', 'max', 'min', 'expected', 'value'])

/**
 * Times in seconds, then one column each of `columns`. Raw points have no spread of their own.
 *
 * @param {{ items: readonly any[], resolution: string }} answer
 */
export const toColumns = ({ items, resolution }) => {
  const { times, rows } = withGaps(items)
  const isRaw = resolution === 'raw'
  const data = columns.map((name) =>
    rows.map((row) =>
      row === null || (isRaw && (name === 'max' || name === 'min')) ? null : plottable(row[name]),
    ),
  )
  return { rows, data: [times.map((time) => time / 1000), ...data] }
}

/**
 * Where to draw an episode: one that holds reaches to the end of the chart.
 *
 * @param {any} anomaly
 * @param {number} endMs
 */
export const spanOf = (anomaly, endMs) => ({
  fromMs: Date.parse(anomaly.start),
  toMs: anomaly.end === null ? endMs : Date.parse(anomaly.end),
})

/**
 * Local clock times under the axis; the date where a new day begins or the steps are days.
 *
 * @param {readonly number[]} seconds
 * @param {number} stepSeconds
 */
export const tickLabels = (seconds, stepSeconds) =>
  seconds.map((second, index) => {
    const time = new Date(second * 1000)
    const two = (/** @type {number} */ part) => String(part).padStart(2, '0')
    const date = `${two(time.getMonth() + 1)}-${two(time.getDate())}`
    if (stepSeconds >= 28 * 86_400) return `${time.getFullYear()}-${two(time.getMonth() + 1)}`
    if (stepSeconds >= 86_400) return date
    const clock = `${two(time.getHours())}:${two(time.getMinutes())}`
    const shown = stepSeconds < 60 ? `${clock}:${two(time.getSeconds())}` : clock
    const before = seconds[index - 1]
    const isNewDay = before !== undefined && new Date(before * 1000).getDate() !== time.getDate()
    return isNewDay ? `${shown}\n${date}` : shown
  })
