/**
 * A log file of plain text: a line with a time begins an entry, lines without one belong to the
 * entry before them (stack traces). Lines that are indented do, too, whatever they hold.
 */
import { MAX_MESSAGE } from '../../../pipelines/intake/plain/log-entry.ts'
import { startOf } from '../file-bytes.ts'
import type { InputFile } from '../input-files.ts'
import { textLines, type TextLine } from '../lines.ts'
import { badRow, type BadRow } from '../rows.ts'
import { findTime, formatOf, type FoundTime, type TimeFormat, type Years } from './log-times.ts'

export interface TextEntry {
  readonly kind: 'entry'
  readonly line: number
  readonly bytes: number
  readonly timestampMs: number
  readonly message: string
  readonly level: string | undefined
  /** Characters that were left out, beyond what an entry may take. */
  readonly cut: number
}

const SNIFFED_BYTES = 64 * 1024
const SNIFFED_LINES = 200
const INDENTED = /^[ \t]/

export async function* textEntries(
  { path }: InputFile,
  years: () => Years,
): AsyncGenerator<TextEntry | BadRow> {
  const start = (await startOf(path, SNIFFED_BYTES)).toString('utf8')
  const format = formatOf(start.split(/\r?\n/).slice(0, SNIFFED_LINES), years)
  if (format === undefined) {
    if (start.trim() !== '') yield badRow(1, 'holds no time that is known here')
    return
  }
  const reader = new EntryReader(format, years())
  for await (const lines of textLines(path)) {
    for (const line of lines) yield* reader.read(line)
  }
  yield* reader.end()
}

class EntryReader {
  readonly #format: TimeFormat
  readonly #years: Years
  #open: OpenEntry | undefined

  constructor(format: TimeFormat, years: Years) {
    this.#format = format
    this.#years = years
  }

  *read({ line, text, bytes }: TextLine): Generator<TextEntry | BadRow> {
    if (text === undefined) {
      yield badRow(line, 'is longer than 16 MiB')
      return
    }
    const found = INDENTED.test(text) ? undefined : findTime(text, this.#format, this.#years)
    if (found !== undefined) {
      yield* this.end()
      this.#open = new OpenEntry(line, text, found)
    }
    if (this.#open !== undefined) this.#open.add(found === undefined ? text : undefined, bytes)
    else if (text.trim() !== '') yield badRow(line, 'has no time, nor has a line before it')
  }

  *end(): Generator<TextEntry> {
    if (this.#open !== undefined) yield this.#open.entry()
    this.#open = undefined
  }
}

class OpenEntry {
  readonly #line: number
  readonly #timestampMs: number
  readonly #level: string | undefined
  readonly #parts: string[] = []
  #length = 0
  #bytes = 0
  #cut = 0

  constructor(line: number, text: string, { timestampMs, start, end }: FoundTime) {
    this.#line = line
    this.#timestampMs = timestampMs
    this.#level = levelIn(text, end)
    this.#append(messageIn(text, start, end))
  }

  /** A line of it; its first one is known already. */
  add(text: string | undefined, bytes: number): void {
    this.#bytes += bytes
    if (text !== undefined) this.#append(`\n${text}`)
  }

  #append(part: string): void {
    const kept = part.slice(0, MAX_MESSAGE - this.#length)
    this.#cut += part.length - kept.length
    if (kept === '') return
    this.#parts.push(kept)
    this.#length += kept.length
  }

  entry(): TextEntry {
    const message = this.#parts.join('').trimEnd()
    return {
      kind: 'entry',
      line: this.#line,
      bytes: this.#bytes,
      timestampMs: this.#timestampMs,
      message,
      level: this.#level,
      cut: this.#cut,
    }
  }
}

const BEFORE_TIME = /^[[("']?$/
const AFTER_TIME = /^[\])"']?[\s|:,-]*/

/** The time is a field of its own: where it begins the line, it is not said twice. */
const messageIn = (text: string, start: number, end: number): string =>
  BEFORE_TIME.test(text.slice(0, start)) ? text.slice(end).replace(AFTER_TIME, '') : text

const HEAD = 120
const WORDS =
  'TRACE|VERBOSE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|SEVERE|CRITICAL|CRIT|FATAL|PANIC|ALERT|EMERG'
const CAPITALS = new RegExp(`\\b(${WORDS})\\b`)
/** In small letters it is a word like any other, unless something says that it is a level. */
const MARKED = new RegExp(`(?:[[<(|]\\s?|\\blevel[=:]"?)(${WORDS})\\b`, 'i')
/** `I0301 12:00:00`, or ` E ` between time and tag. */
const LETTER = /^(?:[\d.:]*\s+(?:\d+\s+){0,2})([VDIWEF])[ /]/
const KLOG = /^([IWEFD])\d{4} /
const LETTERS: Readonly<Record<string, string>> = {
  V: 'verbose',
  D: 'debug',
  I: 'info',
  W: 'warn',
  E: 'error',
  F: 'fatal',
}

const levelIn = (text: string, end: number): string | undefined => {
  const head = text.slice(end, end + HEAD)
  const found = CAPITALS.exec(head)?.[1] ?? MARKED.exec(head)?.[1]
  const letter = found === undefined ? (KLOG.exec(text) ?? LETTER.exec(head))?.[1] : undefined
  return found ?? (letter === undefined ? undefined : LETTERS[letter])
}
