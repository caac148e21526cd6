/** Which files a command line means, and what each is called. */
import { readdirSync, statSync } from 'node:fs'
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path'
import { messageOf } from '../shared/errors.ts'
import { ReplayError } from './replay-error.ts'

export interface InputFile {
  readonly path: string
  /** The file's name without its extension: `cpu` for `cpu.csv` and `cpu.csv.gz`. */
  readonly name: string
  /** Tells files of one name in different folders apart: the path below the folder common to all. */
  readonly label: string
}

/**
 * Folders stand for the files below them whose names end so, packed by gzip or not; the same file
 * given twice is one.
 */
export const inputFiles = (
  paths: readonly string[],
  endings: readonly string[] = ['.csv'],
): InputFile[] => {
  const below = paths.flatMap((path) => filesBelow(path, endings))
  const files = [...new Set(below.map((path) => resolve(path)))]
  if (files.length === 0) {
    throw new ReplayError(
      'REPLAY_NOTHING',
      `No file that ends in ${endings.join(', ')} in ${paths.join(', ')}; give one.`,
    )
  }
  const root = commonFolder(files)
  return files.map((path) => ({
    path,
    name: nameOf(path),
    label: relative(root, path).split(sep).join('/'),
  }))
}

const nameOf = (path: string): string => {
  const unpacked = basename(path).replace(/\.gz$/i, '')
  return basename(unpacked, extname(unpacked))
}

const filesBelow = (path: string, endings: readonly string[]): string[] => {
  try {
    if (!statSync(path).isDirectory()) return [path]
    return readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((file) => {
        const name = file.toLowerCase().replace(/\.gz$/, '')
        return endings.some((ending) => name.endsWith(ending))
      })
      .sort()
      .map((file) => join(path, file))
  } catch (cause) {
    throw new ReplayError(
      'REPLAY_FILE_UNREADABLE',
      `Cannot read '${path}' (${messageOf(cause)}); give the path of a file or a folder.`,
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
