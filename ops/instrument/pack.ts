/**
 * Makes the npm package that other projects install: `npm run pack:instrument [-- FOLDER]`.
 *
 * Node runs no TypeScript below node_modules, so what is packed is plain JavaScript with its types,
 * compiled from services/instrument. Nothing else of the product is in it, and it needs no package.
 * Who sends to Kafka has kafkajs.
 */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Oldest Node that it runs on. */
const NODE = '>=20'
/** For those who send straight to Kafka; everybody else needs none. */
const KAFKAJS = '^2.2.0'

const manifest = async (): Promise<string> => {
  const own = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    readonly version: string
    readonly license: string
  }
  const { version, license } = own
  const entry = { types: './instrument/index.d.ts', default: './instrument/index.js' }
  const description = 'Traces of a Node service without code, for Millrace'
  const exports = { './instrument': entry }
  const fields = { name: 'millrace', version, description, license, type: 'module' }
  const kafka = {
    peerDependencies: { kafkajs: KAFKAJS },
    peerDependenciesMeta: { kafkajs: { optional: true } },
  }
  return JSON.stringify({ ...fields, engines: { node: NODE }, exports, ...kafka }, null, 2)
}

/** Answers the path of the package. */
export const packInstrument = async (into: string): Promise<string> => {
  const staging = await mkdtemp(join(tmpdir(), 'millrace-pack-'))
  try {
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const project = join(root, 'services', 'instrument')
    await run(process.execPath, [
      tsc,
      '--project',
      project,
      '--outDir',
      join(staging, 'instrument'),
    ])
    await writeFile(join(staging, 'package.json'), await manifest())
    await cp(join(root, 'docs', 'instrument.md'), join(staging, 'README.md'))
    await mkdir(into, { recursive: true })
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', resolve(into)], {
      cwd: staging,
    })
    const [packed] = JSON.parse(stdout) as { readonly filename: string }[]
    if (packed === undefined) throw new Error(`npm pack answered ${stdout}`)
    return join(resolve(into), packed.filename)
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(await packInstrument(process.argv[2] ?? 'build'))
}
