/** A project of its own into which the packed instrument is installed, and programs in it that know nothing of it. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { packInstrument } from '../pack.ts'

const run = promisify(execFile)

export const modules = join(
  dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url))))),
  'node_modules',
)

export interface ProjectOptions {
  /** Packages of ours that it has, too. */
  readonly packages: readonly string[]
  /** Its files, by name. */
  readonly files: Readonly<Record<string, string>>
}

export const installedProject = async ({ packages, files }: ProjectOptions): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-package-'))
  await writeFile(join(folder, 'package.json'), '{"private":true}')
  const packed = await packInstrument(join(folder, 'packed'))
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', packed], { cwd: folder })
  for (const name of packages) {
    await mkdir(dirname(join(folder, 'node_modules', name)), { recursive: true })
    await symlink(join(modules, name), join(folder, 'node_modules', name))
  }
  for (const [name, source] of Object.entries(files)) await writeFile(join(folder, name), source)
  return folder
}

export const removeProject = (folder: string): Promise<void> =>
  rm(folder, { recursive: true, force: true })

export interface LaunchOptions {
  readonly folder: string
  readonly node?: string
  /** By `--import`; else the program imports it. */
  readonly preload?: boolean
  readonly arguments?: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

export const launch = (program: string, options: LaunchOptions) => {
  const { node = process.execPath, preload = true, environment } = options
  const child = spawn(
    node,
    [
      ...(preload ? ['--import', 'millrace/instrument'] : []),
      program,
      ...(options.arguments ?? []),
    ],
    {
      cwd: options.folder,
      env: { PATH: process.env['PATH'], ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const ended = once(child, 'exit') as Promise<[number | null, string | null]>
  return { child, ended, errors: text(child.stderr), lines: createInterface(child.stdout) }
}

/** Programs that print their port first. */
export const launchServer = async (program: string, options: LaunchOptions) => {
  const launched = launch(program, options)
  const [port] = (await once(launched.lines, 'line')) as [string]
  return { ...launched, url: `http://127.0.0.1:${port}` }
}

export const traceOf = (response: Response): string => response.headers.get('x-trace-id') ?? 'none'
