/**
 * What a metric name and its labels mean to a person: `http_request_duration_seconds{service="payment"}`
 * is the http request duration of payment, in seconds.
 *
 * The unit is read from the name only (the record's `unit` lies behind the labels, where the hot
 * loop does not go). No guess where the name does not tell: no unit is better than a wrong one.
 */

import type { SeriesIdentity } from '../../schemas/series-key.ts'
import { comparableNumbers } from './number-words.ts'

type Unit = 'ms' | 's' | 'µs' | 'bytes' | 'bytes/s' | '%' | 'ratio' | '°C' | 'per second' | ''

const UNIT_WORDS: Readonly<Record<string, Unit>> = {
  ms: 'ms',
  millis: 'ms',
  milliseconds: 'ms',
  us: 'µs',
  microseconds: 'µs',
  s: 's',
  sec: 's',
  seconds: 's',
  bytes: 'bytes',
  percent: '%',
  pct: '%',
  ratio: 'ratio',
  celsius: '°C',
}

/** Names of the OpenTelemetry conventions whose unit is fixed though not in the name. */
const UNIT_BY_CONVENTION: readonly (readonly [ending: string, unit: Unit])[] = [
  ['.utilization', 'ratio'],
  ['.memory.usage', 'bytes'],
  ['.memory.virtual', 'bytes'],
  ['.filesystem.usage', 'bytes'],
  ['.paging.usage', 'bytes'],
  ['.disk.io', 'bytes'],
  ['.network.io', 'bytes'],
  // The host sends rates of what OpenTelemetry counts since boot.
  ['.io.rate', 'bytes/s'],
  ['bytes_per_second', 'bytes/s'],
  ['.operations.rate', 'per second'],
]

const unitOf = (name: string, lastWord: string): Unit =>
  UNIT_BY_CONVENTION.find(([ending]) => name.endsWith(ending))?.[1] ?? UNIT_WORDS[lastWord] ?? ''

/** The label that names the service of a series, if one does. */
export const serviceOf = (labels: Readonly<Record<string, string>>): string | null =>
  firstOf(labels, ['service', 'service.name', 'service_name', 'job']) ?? null

/** `cpu utilization of host web-1`. */
export const subjectWords = ({ name, labels }: SeriesIdentity): string => {
  const words = wordsOf(name)
  const unitWord = UNIT_WORDS[words.at(-1)!] !== undefined && words.length > 1
  const shown = (unitWord ? words.slice(0, -1) : words).filter(
    (word, index) => index > 0 || word !== 'system' || words.length < 2,
  )
  return [shown.join(' '), ofWhom(labels)].filter((part) => part !== '').join(' ')
}

/** Writes values of the metric, with their unit, so that differences of `distance` can be seen. */
export const valueWords = (
  name: string,
  scale: { readonly largest: number; readonly distance: number },
): { readonly bare: (value: number) => string; readonly full: (value: number) => string } => {
  const { factor, unit } = shownUnit(unitOf(name, wordsOf(name).at(-1)!), Math.abs(scale.largest))
  const write = comparableNumbers(scale.distance * factor)
  const bare = (value: number): string => write(value * factor)
  return { bare, full: (value) => (unit === '' ? bare(value) : `${bare(value)} ${unit}`) }
}

/** As the page writes them. */
const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const
const BYTE_STEP = 1_024

const shownUnit = (unit: Unit, largest: number): { factor: number; unit: string } => {
  if (unit === 'ratio') {
    // A ratio far above 1 is a percentage under the wrong name.
    return largest > 1.5 ? { factor: 1, unit: '' } : { factor: 100, unit: '%' }
  }
  if (unit !== 'bytes' && unit !== 'bytes/s') return { factor: 1, unit }
  const step = largest < 1 ? 0 : Math.floor(Math.log2(largest) / Math.log2(BYTE_STEP))
  const power = Math.min(step, BYTE_UNITS.length - 1)
  return {
    factor: BYTE_STEP ** -power,
    unit: unit === 'bytes' ? BYTE_UNITS[power]! : `${BYTE_UNITS[power]!}/s`,
  }
}

const wordsOf = (name: string): string[] => {
  const words = name.split(/[._\s/-]+/).filter((word) => word !== '')
  return words.length === 0 ? [name] : words
}

const SERVICE_LABELS = ['service', 'service.name', 'service_name', 'job']
const PLACE_LABELS = ['host', 'host.name', 'host_name', 'hostname', 'instance', 'node', 'pod']
const MAX_OTHER_LABELS = 3

/** `of payment on web-1 (endpoint /pay)`. */
const ofWhom = (labels: Readonly<Record<string, string>>): string => {
  const service = firstOf(labels, SERVICE_LABELS)
  const place = firstOf(labels, PLACE_LABELS)
  const others = Object.entries(labels)
    .filter(([label, value]) => value !== service && value !== place && label !== '')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, MAX_OTHER_LABELS)
    .map(([label, value]) => `${label} ${value}`)
  const owner =
    service === undefined ? placeWords(place, 'of') : `of ${service} ${placeWords(place, 'on')}`
  return [owner.trim(), others.length === 0 ? '' : `(${others.join(', ')})`]
    .filter((part) => part !== '')
    .join(' ')
}

const placeWords = (place: string | undefined, preposition: 'of' | 'on'): string =>
  place === undefined ? '' : `${preposition} host ${place}`

const firstOf = (
  labels: Readonly<Record<string, string>>,
  names: readonly string[],
): string | undefined => {
  const name = names.find((candidate) => (labels[candidate] ?? '') !== '')
  return name === undefined ? undefined : labels[name]
}
