/**
 * Which detector watches which series, and how closely.
 *
 * The JSON body of a `control.config` entry of scope `detectors` is a list of rules; the first one
 * that matches a series is its rule. The rules shipped with Millrace stand behind those of the
 * entry, so that every series has one.
 */

import { createHash } from 'node:crypto'
import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'
import type { SeriesIdentity } from '../../schemas/series-key.ts'
import type { Direction, Thresholds } from './detector.ts'
import { detectors, type AnyDetector, type DetectorName } from './detectors.ts'
import { matchesGlob } from './glob.ts'

const DETECTOR_NAMES = [...(Object.keys(detectors) as DetectorName[]), 'none'] as const
const MAX_RULES = 500
const closed = { additionalProperties: false }
const positive = (description: string) =>
  Type.Optional(Type.Number({ exclusiveMinimum: 0, description }))
const atLeastZero = (description: string) => Type.Optional(Type.Number({ minimum: 0, description }))
const count = (minimum: number, description: string) =>
  Type.Optional(Type.Integer({ minimum, maximum: 1_000_000, description }))
const durationMs = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: 30 * 86_400_000, description }))

export const ruleSchema = Type.Object(
  {
    match: Type.Optional(
      Type.Object(
        {
          name: Type.Optional(
            Type.String({
              minLength: 1,
              maxLength: 200,
              description: 'Metric name; * and ? as wildcards.',
            }),
          ),
          labels: Type.Optional(
            Type.Record(Type.String(), Type.String(), {
              description: 'Labels the series must have.',
            }),
          ),
        },
        closed,
      ),
    ),
    detector: Type.Optional(Type.Enum(DETECTOR_NAMES, { description: 'none: do not watch.' })),
    sensitivity: positive('2 raises alarms at half the distance, 0.5 at twice the distance.'),
    direction: Type.Optional(Type.Enum(['up', 'down', 'both'])),
    thresholds: Type.Optional(
      Type.Object(
        {
          low: positive('Never reached by default.'),
          medium: positive(
            'In the measure of the detector, at sensitivity 1; to be passed strictly.',
          ),
          high: positive('As medium.'),
          critical: positive('As medium.'),
        },
        closed,
      ),
    ),
    minAbsoluteChange: atLeastZero('Smaller changes are normal, in the unit of the metric.'),
    minRelativeChange: atLeastZero(
      'Smaller changes are normal; 0.1 is a tenth of what is expected.',
    ),
    minSamples: count(2, 'Points to learn before the first verdict.'),
    recoverySamples: count(1, 'Calm points that end an episode.'),
    holdMs: durationMs('An episode lasts at least this long after its last anomalous point.'),
    noDataMs: durationMs('An episode ends when no point comes for this long.'),
    newLevelSamples: count(
      10,
      'Anomalous points on one side after which the level is the new normal.',
    ),
  },
  closed,
)

export const settingsSchema = Type.Object(
  { rules: Type.Array(ruleSchema, { maxItems: MAX_RULES }) },
  closed,
)

export type RuleSettings = Static<typeof ruleSchema>
export type Settings = Static<typeof settingsSchema>

/** A rule with everything decided. */
export interface Rule {
  readonly match: NonNullable<RuleSettings['match']>
  /** undefined: the series is not watched. */
  readonly detector: AnyDetector | undefined
  readonly sensitivity: number
  readonly direction: Direction
  readonly thresholds: Thresholds
  readonly alertScore: number
  readonly minAbsoluteChange: number
  readonly minRelativeChange: number
  readonly minSamples: number
  readonly recoverySamples: number
  readonly holdMs: number
  readonly noDataMs: number
  readonly newLevelSamples: number
}

/** The rules in force for a tenant. */
export interface RuleSet {
  readonly rules: readonly Rule[]
  /** Of the configuration entry; 0 for the rules shipped. */
  readonly version: number
  /** 16 hex digits over all rules, shipped ones included. */
  readonly hash: string
  /** The hash as a number, for the state of a series. */
  readonly stamp: number
}

export type ParsedSettings =
  | { readonly kind: 'valid'; readonly settings: Settings }
  | { readonly kind: 'invalid'; readonly reason: string }

/** Checks the JSON body of a configuration entry. The reason says where and what, for people. */
export const parseSettings = (body: string): ParsedSettings => {
  let settings: unknown
  try {
    settings = JSON.parse(body)
  } catch (error) {
    return { kind: 'invalid', reason: error instanceof Error ? error.message : String(error) }
  }
  if (!Value.Check(settingsSchema, settings)) {
    return { kind: 'invalid', reason: faultOf(settings) }
  }
  for (const [index, rule] of settings.rules.entries()) {
    const reason = contradictionIn(rule)
    if (reason !== undefined) return { kind: 'invalid', reason: `rules[${index}]: ${reason}` }
  }
  return { kind: 'valid', settings }
}

/** The rules of an entry, and behind them those shipped. */
export const ruleSetOf = (own: Settings, shipped: Settings, version: number): RuleSet => {
  const all = [...own.rules, ...shipped.rules]
  const digest = createHash('sha256')
    .update(JSON.stringify(sorted(all)), 'utf8')
    .digest()
  return {
    rules: all.map(toRule),
    version,
    hash: digest.toString('hex', 0, 8),
    // The hash's first 48 bits: a double holds them exactly.
    stamp: digest.readUIntBE(0, 6),
  }
}

/** Position of the series' rule; the last one when none matches (shipped rules match everything). */
export const ruleIndexFor = ({ rules }: RuleSet, series: SeriesIdentity): number => {
  const index = rules.findIndex(({ match }) => matches(match, series))
  return index < 0 ? rules.length - 1 : index
}

const matches = (match: Rule['match'], { name, labels }: SeriesIdentity): boolean =>
  matchesGlob(match.name ?? '*', name) &&
  Object.entries(match.labels ?? {}).every(([label, value]) => labels[label] === value)

const toRule = (settings: RuleSettings): Rule => {
  const detectorName = settings.detector ?? 'zscore'
  const detector: AnyDetector | undefined =
    detectorName === 'none' ? undefined : detectors[detectorName]
  const sensitivity = settings.sensitivity ?? 1
  const thresholds = scaledThresholds(settings, detector, sensitivity)
  return {
    match: settings.match ?? {},
    detector,
    sensitivity,
    direction: settings.direction ?? detector?.direction ?? 'both',
    thresholds,
    alertScore: Math.min(...thresholds),
    minAbsoluteChange: settings.minAbsoluteChange ?? 0,
    minRelativeChange: settings.minRelativeChange ?? 1e-6,
    minSamples: settings.minSamples ?? 10,
    recoverySamples: settings.recoverySamples ?? 3,
    holdMs: settings.holdMs ?? 60_000,
    noDataMs: settings.noDataMs ?? 600_000,
    newLevelSamples: settings.newLevelSamples ?? 250,
  }
}

const scaledThresholds = (
  { thresholds = {} }: RuleSettings,
  detector: AnyDetector | undefined,
  sensitivity: number,
): Thresholds => {
  const [low, medium, high, critical] = detector?.thresholds ?? [0, 0, 0, 0]
  const scale = (threshold: number): number => detector?.scaled(threshold, sensitivity) ?? threshold
  return [
    scale(thresholds.low ?? low),
    scale(thresholds.medium ?? medium),
    scale(thresholds.high ?? high),
    scale(thresholds.critical ?? critical),
  ]
}

/** What a schema cannot say. */
const contradictionIn = (settings: RuleSettings): string | undefined => {
  const { detector, thresholds } = toRule(settings)
  if (detector === undefined) return undefined
  const given = thresholds.filter((threshold) => threshold !== Number.POSITIVE_INFINITY)
  if (given.some((threshold, index) => index > 0 && threshold <= given[index - 1]!)) {
    return 'thresholds must rise from low to critical'
  }
  if (detector === detectors['ewma-ratio'] && given.some((threshold) => threshold <= 1)) {
    return 'thresholds of ewma-ratio must be above 1'
  }
  return undefined
}

/** The first fault, deepest path first: `rules[0].sensitivity must be > 0`. */
const faultOf = (settings: unknown): string => {
  const errors = [...Value.Errors(settingsSchema, settings)]
  const named = errors.find(({ keyword }) => keyword === 'additionalProperties') ?? errors[0]
  if (named === undefined) return 'not valid'
  const path = named.instancePath
    .split('/')
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '')
  const params = named.params as { additionalProperties?: string[]; allowedValues?: unknown[] }
  const what = params.additionalProperties?.join(', ') ?? params.allowedValues?.join(', ')
  return `${path === '' ? 'the body' : path} ${named.message}${what === undefined ? '' : `: ${what}`}`
}

/** The same document, whatever the order its fields were written in. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, sorted(inner)]),
  )
}
