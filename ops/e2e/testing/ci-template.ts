/** The shell lines of a CI template, as the CI system would run them. */
import { readFileSync } from 'node:fs'

const folder = new URL('../../ci-templates/', import.meta.url)

export const templateText = (name: string): string => readFileSync(new URL(name, folder), 'utf8')

/** The block below the first `key: |` or `- |` behind `marker`, without its indentation. */
export const blockBehind = (text: string, marker: string): string => {
  const lines = text.slice(text.indexOf(marker)).split('\n')
  const start = lines.findIndex((line) => /(?:: |- )\|$/.test(line)) + 1
  const indent = /^ */.exec(lines[start] ?? '')?.[0].length ?? 0
  const end = lines.findIndex(
    (line, at) => at >= start && line.search(/\S/) >= 0 && line.search(/\S/) < indent,
  )
  return lines
    .slice(start, end < 0 ? undefined : end)
    .map((line) => line.slice(indent))
    .join('\n')
}

/** The text between the quotes of the first `- '...'` behind `marker`. */
export const lineBehind = (text: string, marker: string): string =>
  /- '(.+)'$/m.exec(text.slice(text.indexOf(marker)))?.[1] ?? ''
