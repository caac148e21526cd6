/** The list of anomalies: what, how bad, since when, and the numbers behind it. */
import { element, reconcile, setAttribute, setText } from './dom.js'
import { formatDuration, formatLabels, formatLocal, formatUtc, formatValue } from './format.js'

/**
 * @param {Element} list
 * @param {readonly any[]} items
 * @param {{ nowMs: number, unitOf: (series: string) => string | null, onShow: (anomaly: any) => void }} options
 */
export const showAnomalies = (list, items, { nowMs, unitOf, onShow }) => {
  reconcile(list, items, {
    keyOf: (item) => item.id,
    create: () => createRow(),
    update: (row, item) => updateRow(row, item, { nowMs, unit: unitOf(item.series), onShow }),
  })
}

const createRow = () =>
  element(
    'li',
    {},
    element(
      'details',
      { class: 'anomaly' },
      element(
        'summary',
        {},
        element('span', { class: 'badge' }),
        element(
          'span',
          { class: 'what' },
          element('span', { class: 'message' }),
          element('span', { class: 'labels' }),
        ),
        element(
          'span',
          { class: 'when' },
          element('time', {}),
          element('span', { class: 'lasted' }),
        ),
      ),
      element('div', { class: 'facts' }),
    ),
  )

/**
 * @param {HTMLElement} row
 * @param {any} item
 * @param {{ nowMs: number, unit: string | null, onShow: (anomaly: any) => void }} options
 */
const updateRow = (row, item, { nowMs, unit, onShow }) => {
  // Nothing about a revision changes but how long ago it was.
  const startMs = Date.parse(item.start)
  const endMs = item.end === null ? nowMs : Date.parse(item.end)
  const lasted = formatDuration(endMs - startMs)
  const find = (/** @type {string} */ selector) =>
    /** @type {Element} */ (row.querySelector(selector))
  setText(find('.lasted'), item.state === 'open' ? `for ${lasted}, still open` : `lasted ${lasted}`)
  setText(find('time'), formatLocal(startMs, nowMs))
  const revision = `${item.revision} ${String(unit)}`
  if (row.dataset['revision'] === revision) return
  row.dataset['revision'] = revision
  setAttribute(find('details'), 'data-severity', item.severity)
  setAttribute(find('details'), 'data-state', item.state)
  setText(find('.badge'), item.severity)
  setText(find('.message'), item.message)
  setText(find('summary .labels'), [item.name, formatLabels(item.labels)].join('  '))
  setAttribute(find('time'), 'datetime', item.start)
  setAttribute(find('time'), 'title', formatUtc(startMs))
  find('.facts').replaceChildren(...facts(item, { unit, onShow }))
}

/**
 * @param {any} item
 * @param {{ unit: string | null, onShow: (anomaly: any) => void }} options
 */
const facts = (item, { unit, onShow }) => {
  const value = (/** @type {unknown} */ number) => formatValue(/** @type {any} */ (number), unit)
  /** @type {[string, string][]} */
  const rows = [
    ['Value', `${value(item.value)}, at its worst ${value(item.peak_value)}`],
    ['Expected', `${value(item.expected)}, usually ${value(item.lower)} to ${value(item.upper)}`],
    ['Score', formatValue(item.score, null)],
    ['Began', formatUtc(Date.parse(item.start))],
    ['Worst', formatUtc(Date.parse(item.peak))],
    ['Ended', item.end === null ? 'not yet' : formatUtc(Date.parse(item.end))],
    ...item.evidence.map((/** @type {any} */ piece) => [
      `Evidence: ${piece.name}`,
      `${formatValue(piece.value, piece.unit)}${piece.detail === null ? '' : ` (${piece.detail})`}`,
    ]),
    [
      'Judged by',
      `${item.detector} v${item.detector_version}, configuration ${item.config_version} (${item.config_hash.slice(0, 8)})`,
    ],
    ['Id', item.id],
  ]
  const show = element(
    'button',
    { type: 'button', onclick: () => onShow(item) },
    'Show on the chart',
  )
  const list = element('dl')
  for (const [name, text] of rows) list.append(element('dt', {}, name), element('dd', {}, text))
  return [show, list]
}
