/** A line the size of a word: shape only, no scale. */
import { plottable } from './format.js'

const width = 72
const height = 20
const inset = 2

export const createSpark = () => {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`)
  svg.setAttribute('class', 'spark')
  svg.setAttribute('aria-hidden', 'true')
  svg.append(document.createElementNS('http://www.w3.org/2000/svg', 'polyline'))
  return svg
}

/** @param {Element} svg @param {readonly unknown[]} values */
export const updateSpark = (svg, values) => {
  const points = sparkPoints(values)
  const line = svg.firstElementChild
  if (line !== null && line.getAttribute('points') !== points) line.setAttribute('points', points)
}

/** @param {readonly unknown[]} values */
export const sparkPoints = (values) => {
  const known = values.map(plottable).filter((value) => value !== null)
  const lowest = Math.min(...known)
  const spread = Math.max(...known) - lowest
  const stepX = (width - 2 * inset) / Math.max(1, known.length - 1)
  return known
    .map((value, index) => {
      const share = spread === 0 ? 0.5 : (value - lowest) / spread
      const y = height - inset - share * (height - 2 * inset)
      return `${(inset + index * stepX).toFixed(1)},${y.toFixed(1)}`
    })
    .join(' ')
}
