/**
 * The page: what to show stands in the address (address.js), what is known comes from the API, and
 * every few seconds the second is asked for again and only what changed is written.
 */
import { firstView, formatAddress, parseAddress, ranges, stretchOf } from './address.js'
import { showAnomalies } from './anomaly-list.js'
import { ask, Problem } from './api.js'
import { createChart } from './chart.js'
import { byId, element, reconcile, setAttribute, setText } from './dom.js'
import { formatCount, formatLabels, formatLocal, formatUtc, formatValue } from './format.js'
import { listenForKey } from './key.js'
import { showHealth } from './health.js'
import { showNextSteps } from './next-steps.js'
import { showSeries } from './series-list.js'

const refreshMs = 5000
const typingMs = 250
const seriesShown = 100

let view = parseAddress(location.hash)
/** The series shown when the address names none; it stays until tenant or search change. */
/** @type {string | null} */
let chosenForYou = null
let isPaused = false
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer
let round = new AbortController()
/** @type {Map<string, any>} */
const knownSeries = new Map()
/** @type {Set<string> | null} */
let knownOpen = null
/** What the chart shows now; null while it shows nothing. @type {any} */
let shown = null

const chart = createChart(byId('plot'), {
  onPoint: (point) => showReadout(point),
  onZoom: (from, to) => change({ range: 'fixed', from, to }),
})

// ---- what to show -------------------------------------------------------------------------

/** @param {Partial<import('./address.js').View>} part */
const change = (part) => {
  const before = view
  view = { ...view, ...part }
  if (view.tenant !== before.tenant || view.search !== before.search) chosenForYou = null
  const address = formatAddress(view)
  history.pushState(null, '', address === '' ? location.pathname : address)
  refresh()
}

addEventListener('popstate', () => {
  // Links within the page (#stack) are no view.
  if (/^#[a-z-]+$/.test(location.hash)) return
  view = parseAddress(location.hash)
  chosenForYou = null
  refresh()
})

// ---- asking -------------------------------------------------------------------------------

/** Asks for everything; what an earlier round is still waiting for is not wanted any more. */
const refresh = () => {
  clearTimeout(timer)
  round.abort()
  round = new AbortController()
  showChoices()
  void askAll(round.signal).then((isCurrent) => {
    if (isCurrent && !isPaused && !document.hidden) timer = setTimeout(refresh, refreshMs)
  })
}

/** @param {AbortSignal} signal */
const askAll = async (signal) => {
  const { tenant, search } = view
  const state = view.show === 'open' ? 'open' : undefined
  const results = await Promise.allSettled([
    ask(
      '/api/series',
      { tenant, q: search, sort: 'unusual', spark: true, limit: seriesShown },
      signal,
    ).then(async (answer) => {
      await chooseForYou(answer, signal)
      onSeries(answer)
      await askPoints(signal)
    }),
    ask('/api/anomalies', { tenant, state, limit: 100 }, signal).then(onAnomalies),
    ask('/api/status', {}, signal).then(onStatus, onNoStatus(signal)),
    ask('/api/tenants', { limit: 1000 }, signal).then(onTenants),
  ])
  if (signal.aborted) return false
  const failures = results.filter((result) => result.status === 'rejected')
  showTrouble(failures.map((failure) => failure.reason))
  if (failures.length === 0)
    setText(byId('updated'), `updated ${formatLocal(Date.now(), Date.now())}`)
  return true
}

/** Where something happened last, else the first of the list. @param {any} answer @param {AbortSignal} signal */
const chooseForYou = async ({ items }, signal) => {
  const { tenant, search } = view
  if (view.series !== null || chosenForYou !== null || items.length === 0) return
  // What was searched for comes from the list.
  const newest = search === '' ? await ask('/api/anomalies', { tenant, limit: 1 }, signal) : null
  chosenForYou = newest?.items[0]?.series ?? items[0].series
}

/** @param {AbortSignal} signal */
const askPoints = async (signal) => {
  const series = view.series ?? chosenForYou
  if (series === null) return showNoChart(emptyText())
  const known = knownSeries.get(series) ?? (await askOne(series, signal))
  if (known === undefined)
    return showNoChart('This series is not (or no longer) there for this tenant.')
  const life = {
    firstMs: Date.parse(known.first_seen),
    lastMs: Date.parse(known.last_seen),
    nowMs: Date.now(),
  }
  const { fromMs, toMs } = stretchOf(view, life)
  const limit = Math.min(2000, Math.max(200, byId('plot').clientWidth))
  const answer = await ask(
    `/api/series/${series}/points`,
    { tenant: view.tenant, from: fromMs, to: toMs, limit },
    signal,
  )
  onPoints(answer)
}

/** @param {string} series @param {AbortSignal} signal */
const askOne = async (series, signal) => {
  const { items } = await ask('/api/series', { tenant: view.tenant, series, limit: 1 }, signal)
  if (items[0] !== undefined) knownSeries.set(series, items[0])
  return items[0]
}

// ---- showing ------------------------------------------------------------------------------

/** @param {any} answer */
const onSeries = ({ items, next }) => {
  knownSeries.clear()
  for (const item of items) knownSeries.set(item.series, item)
  showSeries(byId('series'), items, {
    selected: view.series ?? chosenForYou,
    onSelect: (series) => change({ series, ...live() }),
  })
  setText(
    byId('series-note'),
    items.length === 0
      ? emptyText()
      : next === null
        ? ''
        : `The first ${seriesShown}; search to find others.`,
  )
}

/** A stretch chosen for one series says nothing about another. */
const live = () => (view.range === 'fixed' ? { range: firstView.range, from: null, to: null } : {})

const emptyText = () => {
  if (view.search !== '') return `No series of tenant ${view.tenant} mentions “${view.search}”.`
  const watcher = 'The machine watcher sends its first points within seconds of `npm start`.'
  return `Tenant ${view.tenant} has no telemetry yet.${view.tenant === firstView.tenant ? ` ${watcher}` : ''}`
}

/** @param {any} answer */
const onAnomalies = ({ items }) => {
  showAnomalies(byId('anomalies'), items, {
    nowMs: Date.now(),
    unitOf: (series) => knownSeries.get(series)?.unit ?? null,
    onShow: showOnChart,
  })
  const none =
    view.show === 'open'
      ? 'Nothing is unusual now.'
      : 'No anomaly so far. A series is judged once its first samples are learned.'
  setText(byId('anomalies-note'), items.length === 0 ? none : '')
  announce(items.filter((/** @type {any} */ item) => item.state === 'open'))
}

/** With room before, to see what was usual, and behind. @param {any} anomaly */
const showOnChart = (anomaly) => {
  const startMs = Date.parse(anomaly.start)
  const endMs = anomaly.end === null ? Date.now() : Date.parse(anomaly.end)
  const roomMs = Math.max(15 * 60_000, endMs - startMs)
  change({ series: anomaly.series, range: 'fixed', from: startMs - roomMs, to: endMs + roomMs / 3 })
  byId('chart-heading').focus()
}

/** @param {any[]} open */
const announce = (open) => {
  document.title = open.length === 0 ? 'Millrace' : `(${open.length}) Millrace`
  const fresh = open.filter((item) => knownOpen !== null && !knownOpen.has(item.id))
  if (fresh.length > 0) setText(byId('news'), `New anomaly: ${fresh[0].message}`)
  knownOpen = new Set(open.map((item) => item.id))
}

/** @param {any} status */
const onStatus = (status) => {
  const places = {
    words: byId('words'),
    parts: byId('parts'),
    lags: byId('lags'),
    pill: byId('health-pill'),
  }
  showHealth(status, places)
  setText(byId('stack-note'), '')
  showNextSteps(byId('next-steps'), location.origin, status.data_folder)
}

/** What the stack was a moment ago is no news about it now. @param {AbortSignal} signal */
const onNoStatus = (signal) => (/** @type {unknown} */ error) => {
  if (!signal.aborted) {
    setAttribute(byId('health-pill'), 'data-state', 'failed')
    setText(byId('health-pill'), 'State not known')
  }
  throw error
}

/** @param {any} answer */
const onTenants = ({ items }) => {
  const known = items.some((/** @type {any} */ item) => item.tenant === view.tenant)
  const all = known ? items : [{ tenant: view.tenant, open_anomalies: 0, series: 0 }, ...items]
  const select = /** @type {HTMLSelectElement} */ (byId('tenant'))
  reconcile(select, /** @type {any[]} */ (all), {
    keyOf: (item) => item.tenant,
    create: (item) => element('option', { value: item.tenant }),
    update: (node, item) =>
      setText(
        node,
        item.open_anomalies > 0 ? `${item.tenant} (${item.open_anomalies} unusual)` : item.tenant,
      ),
  })
  select.value = view.tenant
}

/** @param {any} answer */
const onPoints = (answer) => {
  shown = answer
  const { series, items, anomalies, resolution } = answer
  setText(byId('chart-heading'), series.name)
  setText(byId('chart-labels'), formatLabels(series.labels))
  byId('plot').hidden = false
  setAttribute(byId('chart'), 'data-empty', null)
  setText(
    byId('chart-note'),
    items.length === 0
      ? `No point between ${formatUtc(Date.parse(answer.from))} and ${formatUtc(Date.parse(answer.to))}; the newest is of ${formatUtc(Date.parse(series.last_seen))}.`
      : '',
  )
  const drawn =
    resolution === 'raw'
      ? `All ${formatCount(items.length)} points.`
      : `Means of ${resolution} each, ${formatCount(items.length)} of them.`
  const marked = answer.more_anomalies
    ? ` Only the newest ${anomalies.length} anomalies are marked.`
    : ''
  setText(byId('resolution'), drawn + marked)
  byId('spread-key').hidden = resolution === 'raw'
  const newest = items.at(-1)
  setAttribute(
    byId('plot'),
    'aria-label',
    `${series.name} ${formatLabels(series.labels)}: newest value ${formatValue(newest?.value, series.unit)}, ` +
      `expected ${formatValue(newest?.expected, series.unit)}, ${anomalies.length} anomalies in view`,
  )
  chart.show(answer)
  showTable()
}

/** @param {string} why */
const showNoChart = (why) => {
  shown = null
  setText(byId('chart-heading'), 'No series')
  setText(byId('chart-labels'), '')
  byId('plot').hidden = true
  setAttribute(byId('chart'), 'data-empty', '')
  byId('readout').replaceChildren()
  setText(byId('chart-note'), why)
}

/** The point under the cursor, else the newest. @param {any | null} point */
const showReadout = (point) => {
  if (shown === null) return
  const { series, items, anomalies } = shown
  const item = point ?? items.at(-1)
  if (item === undefined) return byId('readout').replaceChildren()
  const ms = Date.parse(item.timestamp)
  const value = (/** @type {any} */ number) => formatValue(number, series.unit)
  const during = anomalies.find(
    (/** @type {any} */ one) =>
      Date.parse(one.start) <= ms && (one.end === null || ms <= Date.parse(one.end)),
  )
  const isMean = shown.resolution !== 'raw'
  /** @type {[string, string][]} */
  const facts = [
    [
      point === null ? 'Newest point' : 'Point',
      `${formatLocal(ms, Date.now())} (${formatUtc(ms)})`,
    ],
    [isMean ? `Mean of ${item.count}` : 'Value', value(item.value)],
    ...(isMean
      ? /** @type {[string, string][]} */ ([
          ['Lowest to highest', `${value(item.min)} to ${value(item.max)}`],
        ])
      : []),
    ['Expected', item.expected === null ? 'still learning' : value(item.expected)],
    ['Usual band', item.lower === null ? '–' : `${value(item.lower)} to ${value(item.upper)}`],
    ...(during === undefined
      ? []
      : /** @type {[string, string][]} */ ([['Anomaly', during.severity]])),
  ]
  byId('readout').replaceChildren(
    ...facts.map(([name, text]) =>
      element('div', {}, element('dt', {}, name), element('dd', {}, text)),
    ),
  )
}

const showTable = () => {
  const box = /** @type {HTMLDetailsElement} */ (byId('table-box'))
  if (!box.open || shown === null) return
  const { series, items } = shown
  const value = (/** @type {any} */ number) => formatValue(number, series.unit)
  reconcile(byId('table'), /** @type {any[]} */ (items.slice(-50).reverse()), {
    keyOf: (item) => item.timestamp,
    create: (item) =>
      element(
        'tr',
        {},
        element(
          'td',
          { title: formatUtc(Date.parse(item.timestamp)) },
          formatLocal(Date.parse(item.timestamp), Date.now()),
        ),
        element('td', {}, value(item.value)),
        element('td', {}, value(item.expected)),
        element(
          'td',
          {},
          item.lower === null ? '–' : `${value(item.lower)} to ${value(item.upper)}`,
        ),
      ),
    update: () => {},
  })
}

/** @param {unknown[]} reasons */
const showTrouble = (reasons) => {
  const place = byId('trouble')
  place.hidden = reasons.length === 0
  const first = reasons[0]
  if (first === undefined) return
  // While it is typed in, a refresh must not take it away.
  if (first instanceof Problem && first.status === 401) byId('key-form').hidden = false
  const text = first instanceof Problem ? `${first.title}: ${first.message}` : String(first)
  setText(place, `${text} Trying again every ${refreshMs / 1000} s; what you see may be old.`)
}

/** What does not wait for an answer: which buttons are pressed, what is typed. */
const showChoices = () => {
  for (const button of byId('ranges').querySelectorAll('button')) {
    const isChosen = button.dataset['range'] === view.range
    setAttribute(button, 'aria-pressed', String(isChosen))
    if (button.dataset['range'] === 'fixed') button.hidden = !isChosen
  }
  setAttribute(byId('show-open'), 'aria-pressed', String(view.show === 'open'))
  setAttribute(byId('show-all'), 'aria-pressed', String(view.show === 'all'))
  const search = /** @type {HTMLInputElement} */ (byId('search'))
  if (document.activeElement !== search) search.value = view.search
}

// ---- listening ----------------------------------------------------------------------------

for (const range of [...ranges.keys(), 'fixed']) {
  const onclick = () => range !== 'fixed' && change({ range, from: null, to: null })
  const text = range === 'fixed' ? 'Zoomed' : range
  byId('ranges').append(element('button', { type: 'button', 'data-range': range, onclick }, text))
}

byId('tenant').addEventListener('change', (event) => {
  const { value } = /** @type {HTMLSelectElement} */ (event.target)
  change({ tenant: value, series: null, search: '', ...live() })
})

/** @type {ReturnType<typeof setTimeout> | undefined} */
let typing
byId('search').addEventListener('input', (event) => {
  const { value } = /** @type {HTMLInputElement} */ (event.target)
  clearTimeout(typing)
  typing = setTimeout(() => change({ search: value.trim() }), typingMs)
})

byId('show-open').addEventListener('click', () => change({ show: 'open' }))
byId('show-all').addEventListener('click', () => change({ show: 'all' }))
byId('table-box').addEventListener('toggle', showTable)
byId('pause').addEventListener('click', () => {
  isPaused = !isPaused
  setAttribute(byId('pause'), 'aria-pressed', String(isPaused))
  setText(byId('pause'), isPaused ? 'Resume' : 'Pause')
  if (isPaused) clearTimeout(timer)
  else refresh()
})
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && !isPaused) refresh()
})

/** A key of one tenant shows that one. */
const useKey = async () => {
  byId('key-form').hidden = true
  const { tenants } = await ask('/api/principal', {}, AbortSignal.timeout(refreshMs)).catch(
    () => ({}),
  )
  if (tenants === undefined || tenants === '*' || tenants === view.tenant) refresh()
  else change({ tenant: tenants, series: null, search: '', ...live() })
}
listenForKey(/** @type {HTMLFormElement} */ (byId('key-form')), () => void useKey())

showNextSteps(byId('next-steps'), location.origin, null)
refresh()
