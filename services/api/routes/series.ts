/** GET /api/series: find series; and one series over time with its band and its anomalies. */
import Type from 'typebox'
import { withBand } from '../band.ts'
import { decodeCursor, encodeCursor, pageOf } from '../cursor.ts'
import { invalidParameter } from '../../shared/problem.ts'
import { apiProblem } from '../problem.ts'
import { readAnomalies } from '../queries/anomalies.ts'
import { toJsonNumber, toJsonNumberOrNull } from '../queries/numbers.ts'
import * as points from '../queries/points.ts'
import {
  readLatest,
  readSeries,
  readSparks,
  type SeriesFilter,
  type SeriesRow,
  type SeriesSort,
} from '../queries/series.ts'
import type { Storage } from '../queries/storage.ts'
import {
  chooseResolution,
  nameOf,
  parseResolution,
  resolutionNames,
  type Resolution,
} from '../resolution.ts'
import { isoOf, parseTimeRange } from '../time-range.ts'
import type { ApiInstance, ApiPorts } from '../ports.ts'
import { anomalySchema, toAnomaly } from './anomalies.ts'
import * as schema from './schemas.ts'

const openAnomaly = Type.Object({
  id: Type.String(),
  severity: schema.severity,
  start: schema.isoTime,
  message: Type.String(),
})

const seriesItem = Type.Object({
  series: schema.seriesId,
  tenant: Type.String(),
  name: Type.String({ examples: ['system.cpu.utilization'] }),
  labels: schema.labels,
  unit: schema.nullable(Type.String()),
  first_seen: schema.isoTime,
  last_seen: schema.isoTime,
  points: Type.Integer(),
  last_value: schema.nullable(schema.jsonNumber),
  anomaly: Type.Union([openAnomaly, Type.Null()], {
    description: 'The worst anomaly that still holds; null when nothing is unusual now.',
  }),
  spark: Type.Optional(
    Type.Array(schema.jsonNumber, {
      description: 'With `spark=true`: means of the last 30 minutes of the series, oldest first.',
    }),
  ),
})

const sparkMinutes = 30
const wordsAtMost = 8

const findQuery = schema.queryOf({
  tenant: schema.tenantParameter,
  q: Type.Optional(
    Type.String({
      maxLength: 500,
      description:
        'Words that must all occur in name or labels (as key=value), whatever their case.',
      examples: ['cpu web-1'],
    }),
  ),
  name: Type.Optional(Type.String({ maxLength: 500, description: 'Exactly this metric name.' })),
  label: Type.Optional(
    Type.Array(Type.String({ maxLength: 1000 }), {
      maxItems: 10,
      description: 'Exactly this label, as key=value; may be repeated.',
      examples: [['host=web-1']],
    }),
  ),
  series: Type.Optional(schema.seriesParameter),
  sort: Type.Enum(['unusual', 'name'], {
    default: 'name',
    description: '`unusual`: what is unusual now first, the worst on top; then by name.',
  }),
  spark: Type.Boolean({ default: false, description: 'Add a short line of recent means.' }),
  limit: schema.limitParameter({ default: 100, maximum: 500 }),
  cursor: schema.cursorParameter,
})

const bandPoint = Type.Object({
  timestamp: schema.isoTime,
  value: schema.jsonNumber,
  min: schema.jsonNumber,
  max: schema.jsonNumber,
  count: Type.Integer(),
  expected: schema.nullable(schema.jsonNumber),
  lower: schema.nullable(schema.jsonNumber),
  upper: schema.nullable(schema.jsonNumber),
})

const pointsQuery = schema.queryOf({
  tenant: schema.tenantParameter,
  from: schema.fromParameter,
  to: schema.toParameter,
  resolution: Type.Enum(['auto', ...resolutionNames], {
    default: 'auto',
    description:
      '`raw` points, or means over a step. `auto`: raw while it fits into `limit`, else the finest step that does.',
  }),
  limit: schema.limitParameter({ default: 1000, maximum: 10_000 }),
})

/** A chart with more is a grey wall; each is about a kilobyte. */
const anomaliesAtMost = 500

const pointsAnswer = Type.Object({
  series: seriesItem,
  resolution: Type.Enum(resolutionNames),
  from: schema.isoTime,
  to: schema.isoTime,
  items: Type.Array(bandPoint, {
    description:
      'Oldest first. `expected`, `lower`, `upper`: the band in force just before the point; null before the first baseline.',
  }),
  next: schema.nullable(
    Type.String({
      description:
        'Older points were left out: ask again with `to` set to this time. Null otherwise.',
    }),
  ),
  anomalies: Type.Array(anomalySchema, {
    description: `Episodes that overlap the stretch; the newest ${anomaliesAtMost}.`,
  }),
  more_anomalies: Type.Boolean({
    description: 'Older episodes were left out; /api/anomalies pages through them.',
  }),
})

/** Without `from` and `to`: the last hour of the series, however long ago that was. */
const defaultStretchMs = 3_600_000

export const seriesRoutes = (app: ApiInstance, { storage, nowMs }: ApiPorts): void => {
  app.get(
    '/api/series',
    {
      config: { access: { role: 'viewer' } },
      schema: {
        tags: ['series'],
        summary: 'Find series',
        querystring: findQuery,
        response: { 200: schema.pageOfItems(seriesItem), ...schema.problemResponses },
      },
    },
    async (request) => {
      const { tenant } = request.principal
      const { q, name, label, series, sort, spark, limit, cursor } = request.query
      const after = decodeCursor(`series.${sort}`, ['number', 'string', 'string'], cursor)
      const filter = { tenant, name, series, sort, after, limit }
      const words = wordsOf(q)
      const rows = await readSeries(storage, { ...filter, words, labels: labelsOf(label) })
      const page = rows.slice(0, limit)
      const toItem = await itemsOf(storage, { tenant, page, spark })
      return pageOf({ rows, limit, toItem, cursorOf: cursorOf(sort) })
    },
  )

  app.get(
    '/api/series/:series/points',
    {
      config: { access: { role: 'viewer' } },
      schema: {
        tags: ['series'],
        summary: 'One series over time, with its band and its anomalies',
        description:
          'Without `from` and `to`: the last hour that the series has. Long stretches are answered from roll-ups.',
        params: Type.Object({ series: schema.seriesParameter }),
        querystring: pointsQuery,
        response: { 200: pointsAnswer, ...schema.problemResponses, ...schema.notFoundResponse },
      },
    },
    async (request) => {
      const { series } = request.params
      const { tenant } = request.principal
      const { resolution: asked, limit, ...times } = request.query
      const row = await findOne(storage, { tenant, series })
      const { fromMs, toMs } = stretchOf(row, { ...parseTimeRange(times), nowMs: nowMs() })
      const stretch = { tenant, series, fromMs, toMs }
      const resolution =
        parseResolution(asked) ??
        chooseResolution({
          rangeMs: toMs - fromMs,
          maxPoints: limit,
          ...(await points.countPoints(storage, stretch)),
        })
      const [found, band, anomalies, toItem] = await Promise.all([
        readPoints(storage, { stretch, resolution, limit: limit + 1 }),
        points.readBand(storage, { stretch, stepMs: bandStepMs(resolution), limit: limit + 1 }),
        readAnomalies(storage, { ...everyAnomaly, ...stretch, limit: anomaliesAtMost }),
        itemsOf(storage, { tenant, page: [row], spark: false }),
      ])
      const kept = found.slice(-limit)
      const oldest = kept[0]
      return {
        series: toItem(row),
        resolution: nameOf(resolution),
        from: isoOf(fromMs),
        to: isoOf(toMs),
        items: withBand(kept, band).map(toPoint),
        next: found.length > limit && oldest !== undefined ? isoOf(oldest.at_ms) : null,
        anomalies: anomalies.slice(0, anomaliesAtMost).map(toAnomaly),
        more_anomalies: anomalies.length > anomaliesAtMost,
      }
    },
  )
}

const wordsOf = (q: string | undefined): string[] => {
  const words = (q ?? '').split(/\s+/).filter((word) => word !== '')
  if (words.length <= wordsAtMost) return words
  throw invalidParameter({ field: 'q', value: q, limit: `at most ${wordsAtMost} words` })
}

const labelsOf = (given: readonly string[] | undefined): Map<string, string> =>
  new Map(
    (given ?? []).map((text): [string, string] => {
      const cut = text.indexOf('=')
      if (cut > 0) return [text.slice(0, cut), text.slice(cut + 1)]
      throw invalidParameter({ field: 'label', value: text, limit: 'key=value' })
    }),
  )

const cursorOf =
  (sort: SeriesSort) =>
  (row: SeriesRow): string =>
    encodeCursor(`series.${sort}`, [row.rank, row.name, row.series])

/** Reads what a page of series needs beside its rows, and says how a row becomes an item. */
const itemsOf = async (
  storage: Storage,
  options: { tenant: string; page: readonly SeriesRow[]; spark: boolean },
) => {
  const { tenant, page, spark } = options
  const [latest, sparks] = await Promise.all([
    readLatest(storage, { tenant, page }),
    spark ? readSparks(storage, { tenant, page, minutes: sparkMinutes }) : undefined,
  ])
  const valueOf = new Map(latest.map((row) => [row.series, row.value]))
  const sparkOf = new Map(sparks?.map((row) => [row.series, row.values]))
  return (row: SeriesRow) => ({
    series: row.series,
    tenant: row.tenant,
    name: row.name,
    labels: row.labels,
    unit: row.unit,
    first_seen: isoOf(row.first_ms),
    last_seen: isoOf(row.last_ms),
    points: row.points,
    last_value: toJsonNumberOrNull(valueOf.get(row.series) ?? null),
    anomaly: anomalyOf(row),
    ...(spark ? { spark: (sparkOf.get(row.series) ?? []).map(toJsonNumber) } : {}),
  })
}

const anomalyOf = (row: SeriesRow) =>
  row.anomaly_severity === ''
    ? null
    : {
        id: row.anomaly_id,
        severity: row.anomaly_severity,
        start: isoOf(row.anomaly_start_ms),
        message: row.anomaly_message,
      }

const findOne = async (
  storage: Storage,
  { tenant, series }: { tenant: string; series: string },
): Promise<SeriesRow> => {
  const filter: SeriesFilter = {
    tenant,
    series,
    name: undefined,
    words: [],
    labels: new Map(),
    sort: 'name',
    after: undefined,
    limit: 1,
  }
  const row = (await readSeries(storage, filter))[0]
  if (row !== undefined) return row
  const at = { field: 'series', value: series, limit: `a series of tenant ${tenant}` }
  throw apiProblem(
    'unknown-series',
    `tenant ${tenant} has no series ${series}; /api/series lists what there is`,
    { at },
  )
}

const stretchOf = (
  row: SeriesRow,
  asked: { fromMs: number | undefined; toMs: number | undefined; nowMs: number },
): { fromMs: number; toMs: number } => {
  const newestMs = row.last_ms + 1
  const toMs =
    asked.toMs ?? (asked.fromMs === undefined ? newestMs : Math.max(asked.nowMs, newestMs))
  const fromMs = asked.fromMs ?? toMs - defaultStretchMs
  if (fromMs < toMs) return { fromMs, toMs }
  throw invalidParameter({ field: 'from', value: isoOf(fromMs), limit: 'in the past' })
}

const everyAnomaly = {
  service: undefined,
  severity: undefined,
  state: undefined,
  after: undefined,
} as const

/** Baselines come at most once a minute; a longer step needs only the last one of each. */
const bandStepMs = (resolution: Resolution): number =>
  resolution.kind === 'raw' ? 1000 : resolution.stepMinutes * 60_000

const readPoints = (
  storage: Storage,
  options: { stretch: points.SeriesStretch; resolution: Resolution; limit: number },
): Promise<points.PointRow[]> => {
  const { stretch, resolution, limit } = options
  return resolution.kind === 'raw'
    ? points.readRawPoints(storage, { stretch, limit })
    : points.readRollups(storage, { stretch, stepMinutes: resolution.stepMinutes, limit })
}

const toPoint = ({
  point,
  band,
}: {
  point: points.PointRow
  band: points.BandRow | undefined
}) => ({
  timestamp: isoOf(point.at_ms),
  value: toJsonNumber(point.value),
  min: toJsonNumber(point.min),
  max: toJsonNumber(point.max),
  count: point.count,
  expected: toJsonNumberOrNull(band?.expected ?? null),
  lower: toJsonNumberOrNull(band?.lower ?? null),
  upper: toJsonNumberOrNull(band?.upper ?? null),
})
