/** One series with its band and its anomalies, drawn by uPlot. */
import uPlot from '/vendor/uplot/uPlot.esm.js'
import { columns, spanOf, tickLabels, toColumns } from './chart-data.js'
import { formatValue } from './format.js'

const heightPx = 300
/** Round in the reader's unit: 16 MiB, not 19.07. */
const binarySteps = Array.from({ length: 60 }, (_, power) => 2 ** power)
const decimalSteps = Array.from({ length: 40 }, (_, power) => power - 20).flatMap((power) =>
  [1, 2, 2.5, 5].map((step) => Number(`${step}e${power}`)),
)
const severities = ['low', 'medium', 'high', 'critical']

/**
 * @param {HTMLElement} box
 * @param {{ onPoint: (point: any | null) => void, onZoom: (fromMs: number, toMs: number) => void }} on
 */
export const createChart = (box, { onPoint, onZoom }) => {
  /** @type {any} */
  let answer = null
  /** @type {(any | null)[]} */
  let rows = []
  const colour = (/** @type {string} */ name) =>
    getComputedStyle(box).getPropertyValue(`--${name}`).trim()
  const unit = () => answer?.series.unit ?? null

  const plot = new uPlot(
    {
      width: widthOf(box),
      height: heightPx,
      legend: { show: false },
      cursor: { y: false, drag: { x: true, y: false, setScale: false }, points: { size: 7 } },
      scales: {
        x: { time: true, range: () => xRange(answer) },
        y: { range: (_plot, low, high) => yRange(low, high) },
      },
      axes: [
        {
          stroke: () => colour('muted'),
          grid: { stroke: () => colour('grid'), width: 1 },
          ticks: { show: false },
          font: '12px system-ui, sans-serif',
          space: 70,
          values: (_plot, splits, _axis, _space, step) => tickLabels(splits, step),
        },
        {
          stroke: () => colour('muted'),
          grid: { stroke: () => colour('grid'), width: 1 },
          ticks: { show: false },
          font: '12px system-ui, sans-serif',
          size: (_plot, labels) => 16 + 7 * Math.max(0, ...(labels ?? []).map((l) => l.length)),
          incrs: () => (/^By\b/.test(unit() ?? '') ? binarySteps : decimalSteps),
          values: (_plot, splits) => splits.map((value) => formatValue(value, unit())),
        },
      ],
      series: [
        {},
        ...columns.map((name) => ({
          label: name,
          stroke: () => (name === 'value' || name === 'expected' ? colour(name) : 'transparent'),
          width: name === 'value' ? 1.75 : 1.25,
          points: { show: false },
          ...(name === 'expected' ? { dash: [4, 4] } : {}),
        })),
      ],
      bands: [
        { series: [1, 2], fill: () => colour('band') },
        { series: [3, 4], fill: () => colour('spread') },
      ],
      hooks: {
        drawClear: [(chart) => drawEpisodes(chart, answer, colour)],
        setCursor: [(chart) => onPoint(rows[chart.cursor.idx ?? -1] ?? null)],
        setSelect: [
          (chart) => {
            if (chart.select.width < 4) return
            const from = chart.posToVal(chart.select.left, 'x') * 1000
            const to = chart.posToVal(chart.select.left + chart.select.width, 'x') * 1000
            chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
            onZoom(Math.floor(from), Math.ceil(to))
          },
        ],
      },
    },
    [[], ...columns.map(() => [])],
    box,
  )

  new ResizeObserver(() => {
    if (widthOf(box) !== plot.width) plot.setSize({ width: widthOf(box), height: heightPx })
  }).observe(box)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => plot.redraw(false))
  box.addEventListener('keydown', (event) => {
    const step = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0
    if (step === 0 || rows.length === 0) return
    event.preventDefault()
    moveCursor(plot, step)
  })

  return {
    /** @param {any} next */
    show(next) {
      answer = next
      const table = toColumns(next)
      rows = table.rows
      plot.setData(/** @type {any} */ (table.data))
      onPoint(rows[plot.cursor.idx ?? -1] ?? null) // what stands under a resting pointer
    },
  }
}

/** @param {HTMLElement} box */
const widthOf = (box) => Math.max(200, Math.floor(box.clientWidth))

/** @param {any} answer @returns {[number, number]} */
const xRange = (answer) =>
  answer === null ? [0, 1] : [Date.parse(answer.from) / 1000, Date.parse(answer.to) / 1000]

/** Room above and below; a flat line stands in the middle. */
/** @param {number | null} low @param {number | null} high @returns {[number, number]} */
const yRange = (low, high) => {
  if (low === null || high === null || !Number.isFinite(low) || !Number.isFinite(high))
    return [0, 1]
  const room = high === low ? Math.abs(low) * 0.1 || 1 : (high - low) * 0.08
  // What is never negative should not be given room below nothing.
  return [low >= 0 && low - room < 0 ? 0 : low - room, high + room]
}

/**
 * @param {uPlot} chart
 * @param {any} answer
 * @param {(name: string) => string} colour
 */
const drawEpisodes = (chart, answer, colour) => {
  if (answer === null) return
  const { ctx, bbox } = chart
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
  const worstLast = [...answer.anomalies].sort(
    (a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity),
  )
  for (const anomaly of worstLast) {
    const { fromMs, toMs } = spanOf(anomaly, Date.parse(answer.to))
    const left = chart.valToPos(fromMs / 1000, 'x', true)
    const width = Math.max(2, chart.valToPos(toMs / 1000, 'x', true) - left)
    ctx.fillStyle = colour(anomaly.severity)
    ctx.globalAlpha = 0.14
    ctx.fillRect(left, bbox.top, width, bbox.height)
    ctx.globalAlpha = 1
    ctx.fillRect(left, bbox.top, width, 3 * devicePixelRatio)
  }
  ctx.restore()
}

/** @param {uPlot} plot @param {number} step */
const moveCursor = (plot, step) => {
  const last = plot.data[0].length - 1
  const at = plot.cursor.idx ?? (step < 0 ? last + 1 : -1)
  const next = Math.min(last, Math.max(0, at + step))
  const left = plot.valToPos(plot.data[0][next] ?? 0, 'x')
  plot.setCursor({ left, top: 10 })
}
