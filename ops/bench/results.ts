/** Where reports are kept, to be compared with later ones. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const FOLDER = fileURLToPath(new URL('./results', import.meta.url))

/** `<date>-<commit>-<what>.json`; answers its path. */
export const saveReport = (
  report: { readonly date: string; readonly commit: string },
  what: string,
): string => {
  mkdirSync(FOLDER, { recursive: true })
  const path = join(FOLDER, `${report.date.slice(0, 10)}-${report.commit}-${what}.json`)
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`)
  return path
}
