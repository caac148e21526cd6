/** What the page shows, as the part of its address behind `#`: a link shows another the same. */

/**
 * @typedef {object} View
 * @property {string} tenant
 * @property {string | null} series null: the most unusual one
 * @property {string} range a name in `ranges`, or 'fixed' with `from` and `to`
 * @property {number | null} from epoch ms
 * @property {number | null} to epoch ms
 * @property {string} search
 * @property {'open' | 'all'} show which anomalies are listed
 */

const minuteMs = 60_000
const hourMs = 60 * minuteMs

/** Lengths of stretches; null is all there is. @type {ReadonlyMap<string, number | null>} */
export const ranges = new Map([
  ['15m', 15 * minuteMs],
  ['1h', hourMs],
  ['6h', 6 * hourMs],
  ['1d', 24 * hourMs],
  ['7d', 7 * 24 * hourMs],
  ['all', null],
])

/** @type {View} */
export const firstView = {
  tenant: 'default',
  series: null,
  range: '1h',
  from: null,
  to: null,
  search: '',
  show: 'all',
}

/** Nonsense in an address is ignored: the page opens with what it understands. @param {string} hash */
export const parseAddress = (hash) => {
  const given = new URLSearchParams(hash.replace(/^#/, ''))
  const from = epochOf(given.get('from'))
  const to = epochOf(given.get('to'))
  const isFixed = from !== null && to !== null && from < to
  const range = given.get('range')
  const series = given.get('series')
  /** @type {View} */
  const view = {
    tenant: given.get('tenant') || firstView.tenant,
    series: series !== null && /^[0-9a-f]{32}$/.test(series) ? series : null,
    range: isFixed ? 'fixed' : range !== null && ranges.has(range) ? range : firstView.range,
    from: isFixed ? from : null,
    to: isFixed ? to : null,
    search: given.get('q') ?? '',
    show: given.get('show') === 'open' ? 'open' : 'all',
  }
  return view
}

/** @param {View} view */
export const formatAddress = (view) => {
  const parts = new URLSearchParams()
  if (view.tenant !== firstView.tenant) parts.set('tenant', view.tenant)
  if (view.series !== null) parts.set('series', view.series)
  if (view.range === 'fixed') {
    parts.set('from', new Date(view.from ?? 0).toISOString())
    parts.set('to', new Date(view.to ?? 0).toISOString())
  } else if (view.range !== firstView.range) parts.set('range', view.range)
  if (view.search !== '') parts.set('q', view.search)
  if (view.show !== firstView.show) parts.set('show', view.show)
  const text = parts.toString()
  return text === '' ? '' : `#${text}`
}

/** @param {string | null} text */
const epochOf = (text) => {
  if (text === null) return null
  const ms = /^\d+$/.test(text) ? Number(text) : Date.parse(text)
  return Number.isFinite(ms) ? ms : null
}

/**
 * The stretch to ask for. A series that still gets points ends now; one that ended, as replayed
 * history does, ends with its last point.
 *
 * @param {View} view
 * @param {{ firstMs: number, lastMs: number, nowMs: number }} life
 */
export const stretchOf = (view, { firstMs, lastMs, nowMs }) => {
  if (view.range === 'fixed') return { fromMs: view.from ?? 0, toMs: view.to ?? nowMs }
  const lengthMs = ranges.get(view.range) ?? null
  if (lengthMs === null) return { fromMs: firstMs, toMs: lastMs + 1 }
  const isAlive = nowMs - lastMs < lengthMs
  const toMs = isAlive ? nowMs : lastMs + 1
  return { fromMs: toMs - lengthMs, toMs }
}
