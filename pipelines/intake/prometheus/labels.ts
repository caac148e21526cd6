/**
 * The labels of a series, from the bytes in which remote_write 1.0 has them: fields 1 of a
 * TimeSeries, each a message of name (1) and value (2). Those of 2.0 are put into the same form.
 *
 * Checked once for each series, when it is first seen: what is wrong is said in words for the one
 * who sends it.
 */
import { metricKind, ucumUnit } from './metadata.ts'
import type { MetricKind } from '../../../schemas/generated/telemetry-metrics.ts'
import { ProtobufReader, tagOf, WIRE } from './protobuf.ts'

export const LABEL_TAG = tagOf(1, WIRE.bytes)
export const NAME_TAG = tagOf(1, WIRE.bytes)
export const VALUE_TAG = tagOf(2, WIRE.bytes)
/** What may stand behind the labels, in this order, to name what they do not: its unit and type,
 * and which part of a native histogram it is. */
export const UNIT_TAG = tagOf(3, WIRE.bytes)
export const NAME_SUFFIX_TAG = tagOf(4, WIRE.bytes)
export const BOUND_TAG = tagOf(5, WIRE.bytes)
export const TYPE_TAG = tagOf(6, WIRE.bytes)

const NAME_LABEL = '__name__'
const BOUND_LABEL = 'le'
const SHOWN_CHARACTERS = 200

export interface SeriesLabels {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly unit: string | null
  readonly kind: MetricKind
}

/** Why a series is not taken. */
export interface Refusal {
  readonly reason: string
}

export const isRefusal = (found: object): found is Refusal => 'reason' in found

export const readLabels = (bytes: Buffer): SeriesLabels | Refusal => {
  const reader = new ProtobufReader(bytes)
  const pairs: [name: string, value: string][] = []
  const behind: Record<number, string> = {}
  let name: string | undefined
  let before: Buffer | undefined
  while (reader.at < bytes.length) {
    const tag = reader.tag(bytes.length)
    const end = reader.enter(bytes.length)
    if (tag !== LABEL_TAG) {
      behind[tag] = bytes.toString('utf8', reader.at, end)
      reader.at = end
      continue
    }
    const label = readLabel(reader, end)
    const fault = faultOf(label, before)
    if (fault !== undefined) return { reason: `${fault} in ${shown(bytes)}` }
    before = label.name
    const text = label.name.toString()
    if (text === NAME_LABEL) name = label.value.toString()
    else pairs.push([text, label.value.toString()])
  }
  if (name === undefined) return { reason: `label __name__ is missing in ${shown(bytes)}` }
  const bound = behind[BOUND_TAG]
  if (bound !== undefined) {
    if (pairs.some(([label]) => label === BOUND_LABEL)) {
      return { reason: `a native histogram has a label le in ${shown(bytes)}` }
    }
    pairs.push([BOUND_LABEL, bound])
  }
  const fullName = name + (behind[NAME_SUFFIX_TAG] ?? '')
  // Not by assignment: a label may be called __proto__.
  const labels = Object.fromEntries(pairs)
  return {
    name: fullName,
    labels,
    unit: ucumUnit(fullName, behind[UNIT_TAG]),
    kind: metricKind(fullName, labels, behind[TYPE_TAG]),
  }
}

interface LabelBytes {
  readonly name: Buffer
  readonly value: Buffer
}

const NOTHING = Buffer.alloc(0)

const readLabel = (reader: ProtobufReader, end: number): LabelBytes => {
  let name: Buffer = NOTHING
  let value: Buffer = NOTHING
  while (reader.at < end) {
    const tag = reader.tag(end)
    if (tag !== NAME_TAG && tag !== VALUE_TAG) {
      reader.skip(tag, end)
      continue
    }
    const textEnd = reader.enter(end)
    const text = reader.bytes.subarray(reader.at, textEnd)
    reader.at = textEnd
    if (tag === NAME_TAG) name = text
    else value = text
  }
  return { name, value }
}

const faultOf = ({ name, value }: LabelBytes, before: Buffer | undefined): string | undefined => {
  if (name.length === 0) return 'a label has no name'
  if (!isText(name)) return 'the name of a label is not UTF-8'
  if (value.length === 0) return `label ${quoted(name)} has no value`
  if (!isText(value)) return `the value of label ${quoted(name)} is not UTF-8`
  const order = before === undefined ? -1 : Buffer.compare(before, name)
  if (order === 0) return `label ${quoted(name)} is there twice`
  return order > 0 ? `label ${quoted(name)} is not in its order, by name` : undefined
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const isText = (bytes: Buffer): boolean => {
  try {
    utf8.decode(bytes)
    return true
  } catch {
    return false
  }
}

/** As far as it can be shown: these bytes may be anything. */
const shown = (bytes: Buffer): string => {
  const reader = new ProtobufReader(bytes)
  let text = ''
  while (reader.at < bytes.length && text.length < SHOWN_CHARACTERS) {
    if (reader.tag(bytes.length) !== LABEL_TAG) break
    const { name, value } = readLabel(reader, reader.enter(bytes.length))
    text += `${text === '' ? '' : ','}${printable(name)}=${quoted(value)}`
  }
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : `{${text}}`
}

const quoted = (text: Buffer): string => JSON.stringify(printable(text))
const printable = (text: Buffer): string => text.toString('utf8', 0, SHOWN_CHARACTERS)
