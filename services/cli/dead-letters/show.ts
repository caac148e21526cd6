import process from 'node:process'
import type { Letter } from '../../dead-letters/letter.ts'
import { previewOf, type LetterPreview } from '../../dead-letters/preview.ts'
import { scanTopic } from '../../dead-letters/scan.ts'
import { isSelected, placesIn } from '../../dead-letters/selection.ts'
import { ValueReader, type ReadValue } from '../../records/value-reader.ts'
import { EXIT, messageOf } from '../../shared/errors.ts'
import { schemaRegistry } from '../../shared/registry.ts'
import { setExitCode } from '../exit-code.ts'
import { assertHoldsLetters, withDlqSession } from './session.ts'

export interface DlqShowOptions {
  readonly scan: number
  readonly reason?: string
  readonly offset?: readonly string[]
  readonly max: number
  readonly json?: boolean
}

export const runDlqShow = async (topic: string, options: DlqShowOptions): Promise<void> => {
  assertHoldsLetters(topic)
  const selection = { reason: options.reason, places: placesIn(options.offset) }
  await withDlqSession(async ({ cluster, config }) => {
    const letters: Letter[] = []
    const redriven = new Set<string>()
    const { complete } = await scanTopic({
      cluster,
      topic,
      newest: options.scan,
      onEntry: (entry) => {
        if (entry.kind === 'mark') for (const id of entry.originIds) redriven.add(id)
        else if (isSelected(entry, selection)) keepNewest(letters, entry, options.max)
      },
    })
    const values = new ValueReader(schemaRegistry(config))
    const previews: LetterPreview[] = []
    for (const letter of letters) {
      previews.push(previewOf(letter, await readValue(values, letter), redriven))
    }
    if (options.json === true) {
      process.stdout.write(`${JSON.stringify({ topic, complete, letters: previews })}\n`)
    } else {
      process.stdout.write(previews.map(textOf).join('\n'))
    }
    if (previews.length === 0) {
      const wasNamed = options.reason !== undefined || selection.places !== undefined
      process.stderr.write(
        `millrace: no ${wasNamed ? 'such letter' : 'letters'} in ${topic}${complete ? '' : ' among the newest; raise --scan'}\n`,
      )
      // Somebody asked for letters that are not there; a topic that holds none at all is well.
      if (wasNamed) setExitCode(EXIT.negative)
    }
  })
}

/** Keeps the `max` with the latest append times, oldest first. */
const keepNewest = (letters: Letter[], letter: Letter, max: number): void => {
  let at = letters.length
  while (at > 0 && (letters[at - 1]?.appendTimeMs ?? 0) > letter.appendTimeMs) at -= 1
  letters.splice(at, 0, letter)
  if (letters.length > max) letters.shift()
}

/** The value is decoration here: a registry that is away must not hide the letters. */
const readValue = async (
  values: ValueReader,
  { value }: Letter,
): Promise<ReadValue | undefined> => {
  if (value === null) return undefined
  try {
    await values.prepare(value)
    return values.read(value)
  } catch (error) {
    return { kind: 'bytes', why: messageOf(error) }
  }
}

const textOf = (letter: LetterPreview): string => {
  const { partition, offset, at, reason, detail, origin, redriven, key, value, undecoded } = letter
  const from =
    origin === null
      ? 'unknown'
      : `${origin.topic}/${String(origin.partition)} offset ${String(origin.offset)}, arrived ${new Date(origin.appendTimeMs).toISOString()}`
  const lines = [
    `${String(partition)}:${String(offset)}  ${new Date(at).toISOString()}  ${reason}${redriven ? '  (sent again)' : ''}`,
    ...(detail === null ? [] : [`  why    ${detail}`]),
    `  from   ${from}`,
    `  key    ${printable(key)}`,
    undecoded === undefined
      ? `  value  ${JSON.stringify(value)}`
      : `  bytes  ${undecoded.text === undefined ? undecoded.base64 : JSON.stringify(undecoded.text)} (${undecoded.why})`,
  ]
  return `${lines.join('\n')}\n`
}

/** U+001F as the symbol for it; a terminal shows nothing otherwise. */
const printable = (key: string | null): string =>
  key === null ? 'none' : key.replaceAll('\u001f', '\u241f')
