/**
 * Writes schemas/generated/*.ts from schemas/*.avsc, otlp.js beside them from schemas/otlp/proto, and
 * docs/asyncapi.json from the catalogue. Run `node schemas/generate.ts` after changing any of them; `--check` writes nothing and exits 1 when
 * a file on disk differs from what would be written. A tool of the build: nothing imports it.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { moduleOf } from './codegen.ts'
import { generateOtlp } from './generate-otlp.ts'

const schemasDir = dirname(fileURLToPath(import.meta.url))
const generatedDir = join(schemasDir, 'generated')
const asyncApiFile = join(schemasDir, '..', 'docs', 'asyncapi.json')

export interface GeneratedFile {
  readonly path: string
  readonly text: string
}

/** All generated files with the content they should have. */
export const generateAll = async (): Promise<GeneratedFile[]> => {
  const modules = [...(await generateModules()), ...(await generateOtlpModule())]
  return [...modules, await generateAsyncApi(modules)]
}

/** Files on disk that are missing, differ, or should not be there. */
export const driftOf = (wanted: readonly GeneratedFile[]): string[] => {
  const stale = strays(wanted)
  const differing = wanted
    .filter(({ path, text }) => !existsSync(path) || readFileSync(path, 'utf8') !== text)
    .map(({ path }) => path)
  return [...differing, ...stale]
}

const generateModules = async (): Promise<GeneratedFile[]> => {
  const sources = readdirSync(schemasDir).filter((file) => file.endsWith('.avsc'))
  return Promise.all(
    sources.sort().map(async (file) => {
      const source = readFileSync(join(schemasDir, file), 'utf8')
      const path = join(generatedDir, `${basename(file, '.avsc').replaceAll('.', '-')}.ts`)
      return { path, text: await pretty(path, moduleOf(file, JSON.parse(source))) }
    }),
  )
}

const generateOtlpModule = async (): Promise<GeneratedFile[]> => {
  const { code, types } = await generateOtlp()
  return [
    { path: join(generatedDir, 'otlp.js'), text: code },
    { path: join(generatedDir, 'otlp.d.ts'), text: types },
  ]
}

/**
 * The catalogue imports the generated modules, so they must be on disk before it can be loaded;
 * with --check and drift the document is compared to what the old modules give, and the drift of
 * the modules is reported anyway.
 */
const generateAsyncApi = async (modules: readonly GeneratedFile[]): Promise<GeneratedFile> => {
  if (!checking()) write(modules)
  const { asyncApiDocument } = await import('./asyncapi.ts')
  return { path: asyncApiFile, text: await pretty(asyncApiFile, asyncApiText(asyncApiDocument())) }
}

const asyncApiText = (document: unknown): string => JSON.stringify(document, null, 2)

const pretty = async (filepath: string, text: string): Promise<string> =>
  format(text, { ...(await resolveConfig(filepath)), filepath })

const strays = (wanted: readonly GeneratedFile[]): string[] => {
  const known = new Set(wanted.map(({ path }) => path))
  if (!existsSync(generatedDir)) return []
  return readdirSync(generatedDir)
    .map((file) => join(generatedDir, file))
    .filter((path) => !known.has(path))
}

const write = (files: readonly GeneratedFile[]): void => {
  for (const { path, text } of files) {
    mkdirSync(dirname(path), { recursive: true })
    if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text)
  }
}

const isMain = (): boolean =>
  process.argv[1] !== undefined && pathToFileURL(process.argv[1]).href === import.meta.url

/** Imported by a test, this module only compares. */
const checking = (): boolean => !isMain() || process.argv.includes('--check')

const main = async (): Promise<void> => {
  const wanted = await generateAll()
  if (checking()) {
    const drift = driftOf(wanted)
    for (const path of drift) console.error(`${path} is not what the schemas give`)
    if (drift.length > 0) {
      console.error('Generated files are out of date; run `node schemas/generate.ts`.')
      process.exitCode = 1
    }
    return
  }
  write(wanted)
  for (const path of strays(wanted)) rmSync(path)
}

if (isMain()) await main()
