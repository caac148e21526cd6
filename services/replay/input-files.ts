/** Which files a command line means, and what the metric of each is called. */
import { readdirSync, statSync } from 'node:fs'
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path'
import { messageOf } from '../shared/errors.ts'
import { ReplayError } from './replay-error.ts'

export interface InputFile {
  readonly path: string
  /** The file's name without its extension. */
  readonly metric: string
  /** Tells files of one name in different folders apart: the path below the folder common to all. */
  readonly label: string
}

/** Folders stand for the CSV files below them; the same file given twice is one. */
export const inputFiles = (paths: readonly string[]): InputFile[] => {
  const files = [...new Set(paths.flatMap(filesBelow).map((path) => resolve(path)))]
  if (files.length === 0) {
    throw new ReplayError('REPLAY_NOTHING', `No CSV file in ${paths.join(', ')}; give one.`)
  }
  const root = commonFolder(files)
  return files.map((path) => ({
    path,
    metric: basename(path, extname(path)),
    label: relative(root, path).split(sep).join('/'),
  }))
}

const filesBelow = (path: string): string[] => {
  try {
    if (!statSync(path).isDirectory()) return [path]
    return readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.toLowerCase().endsWith('.csv'))
      .sort()
      .map((file) => join(path, file))
  } catch (cause) {
    throw new ReplayError(
      'REPLAY_FILE_UNREADABLE',
      `Cannot read '${path}' (${messageOf(cause)}); give the path of a CSV file or a folder.`,
      { cause },
    )
  }
}

const commonFolder = (files: readonly string[]): string => {
  let common = dirname(files[0] ?? '')
  while (!files.every((file) => file.startsWith(common === sep ? sep : common + sep))) {
    common = dirname(common)
  }
  return common
}
