/** The searchable list of series, what is unusual now on top. */
import { element, reconcile, setAttribute, setText } from './dom.js'
import { formatLabels, formatValue } from './format.js'
import { createSpark, updateSpark } from './spark.js'

/**
 * @param {Element} list
 * @param {readonly any[]} items
 * @param {{ selected: string | null, onSelect: (series: string) => void }} options
 */
export const showSeries = (list, items, { selected, onSelect }) => {
  reconcile(list, items, {
    keyOf: (item) => item.series,
    create: (item) => createRow(item, onSelect),
    update: (row, item) => updateRow(row, item, item.series === selected),
  })
}

/** @param {any} item @param {(series: string) => void} onSelect */
const createRow = (item, onSelect) =>
  element(
    'li',
    {},
    element(
      'button',
      { type: 'button', class: 'series', onclick: () => onSelect(item.series) },
      element('span', { class: 'mark' }),
      element(
        'span',
        { class: 'what' },
        element('span', { class: 'name' }, item.name),
        element('span', { class: 'labels' }, formatLabels(item.labels)),
      ),
      createSpark(),
      element('span', { class: 'value' }),
    ),
  )

/** @param {HTMLElement} row @param {any} item @param {boolean} isSelected */
const updateRow = (row, item, isSelected) => {
  const button = row.firstElementChild
  const mark = row.querySelector('.mark')
  const value = row.querySelector('.value')
  const spark = row.querySelector('.spark')
  if (button === null || mark === null || value === null || spark === null) return
  setAttribute(button, 'aria-current', isSelected ? 'true' : null)
  const severity = item.anomaly === null ? null : item.anomaly.severity
  setAttribute(button, 'data-severity', severity)
  const about = `${item.name}  ${formatLabels(item.labels)}`
  setAttribute(button, 'title', item.anomaly === null ? about : `${about}\n${item.anomaly.message}`)
  setText(mark, severity === null ? '' : severity)
  setText(value, formatValue(item.last_value, item.unit))
  updateSpark(spark, item.spark ?? [])
}
