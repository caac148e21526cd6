/**
 * Kafka and the registry, fetched once per user by Maven and checked against artifacts.sha256.
 *
 * V1: the cache folder appears by one rename, complete and checked; a set-up that is killed leaves only a staging folder,
 *     which the next one removes.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import process from 'node:process'
import { pipeline } from 'node:stream/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { cacheRoot, serverCacheFolder } from './cache.mjs'
import { exclusively } from './exclusive.mjs'
import { progressLine, say, SetupError } from './say.mjs'
import { assertMaven } from './tools.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const manifestName = 'manifest.json'
const stagingPrefix = 'staging-'

const filesBelow = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? filesBelow(path) : [path]
  })

/** Whether the cache is there as it was made: every file with its size. Cheap enough for every start. */
export const isComplete = (folder) => {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, manifestName), 'utf8'))
    return manifest.files.every(([path, size]) => statSync(join(folder, path)).size === size)
  } catch {
    return false
  }
}

const writeManifest = (folder) => {
  const files = filesBelow(folder).map((path) => [relative(folder, path), statSync(path).size])
  writeFileSync(join(folder, manifestName), JSON.stringify({ files }))
}

const readChecksums = () =>
  new Map(
    readFileSync(join(here, 'artifacts.sha256'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [sum, path] = line.split(/\s+/)
        return [path, sum]
      }),
  )

const checksumOf = async (path) => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** Every fetched file is listed and as listed, and every listed one was fetched. */
export const verifyChecksums = async (folder, checksums = readChecksums()) => {
  const fetched = ['kafka', 'archives'].flatMap((name) => filesBelow(join(folder, name)))
  const seen = new Set()
  for (const path of fetched) {
    const name = relative(folder, path)
    const expected = checksums.get(name)
    const actual = await checksumOf(path)
    if (expected !== actual) {
      throw new SetupError(
        `The checksum of ${name} is ${actual}, not ${expected ?? 'listed'}; it is not used. Remove it from Maven's repository (~/.m2/repository) and try again.`,
        1,
      )
    }
    seen.add(name)
  }
  const missing = [...checksums.keys()].filter((name) => !seen.has(name))
  if (missing.length > 0) throw new SetupError(`Maven did not bring ${missing.join(', ')}.`, 1)
}

const megabytes = { B: 1e-6, kB: 1e-3, KB: 1e-3, MB: 1, GB: 1e3 }

/** Runs Maven and counts what it downloads; keeps its last lines for an error. */
const runMaven = (staging, extra) =>
  new Promise((resolve, reject) => {
    const args = [
      '-B',
      '-C',
      ...extra,
      '-f',
      join(here, 'pom.xml'),
      `-Dservers.folder=${staging}`,
      'package',
    ]
    const child = spawn('mvn', args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const progress = progressLine()
    const tail = []
    let files = 0
    let total = 0
    const read = (line) => {
      tail.push(line)
      if (tail.length > 200) tail.shift()
      const size = /^(?:\[INFO\] )?Downloaded from \S+: \S+ \(([\d.]+) ([kKMG]?B)/.exec(line)
      if (size === null) return
      files++
      total += Number(size[1]) * megabytes[size[2]]
      progress.update(`  ${files} files, ${Math.round(total)} MB`)
    }
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', read)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      progress.clear()
      if (code === 0) {
        resolve()
        return
      }
      const errors = tail
        .filter((line) => line.includes('[ERROR]') || line.includes('FATAL'))
        .slice(0, 8)
      reject(
        new SetupError(
          `Maven could not fetch Kafka and the registry (${signal ?? `exit code ${code}`}); check the network (proxy and mirror: ~/.m2/settings.xml) and try again:\n  ${(errors.length > 0 ? errors : tail.slice(-8)).join('\n  ')}`,
          3,
        ),
      )
    })
  })

const fetchServers = async (staging) => {
  try {
    await runMaven(staging, [])
  } catch {
    // Once more, and this time Maven asks again for what it remembers as failed.
    say('  Maven failed; trying once more ...')
    await runMaven(staging, ['-U'])
  }
}

const removeStaging = (root) => {
  for (const name of readdirSync(root)) {
    if (name.startsWith(stagingPrefix)) rmSync(join(root, name), { recursive: true, force: true })
  }
}

const makeRoot = (root) => {
  try {
    mkdirSync(root, { recursive: true })
  } catch (error) {
    throw new SetupError(
      `The cache folder ${root} cannot be made (${error.code}); name another with XDG_CACHE_HOME.`,
      2,
    )
  }
}

export const ensureServers = async () => {
  const folder = serverCacheFolder()
  if (isComplete(folder)) return
  const root = cacheRoot()
  makeRoot(root)
  await exclusively(root, async () => {
    if (isComplete(folder)) return
    assertMaven()
    removeStaging(root) // we hold the lock: whoever made them is dead
    const staging = join(root, `${stagingPrefix}${process.pid}`)
    const started = Date.now()
    say(
      'Fetching Kafka and the schema registry with Maven (about 180 MB, kept for the next time) ...',
    )
    try {
      await fetchServers(staging)
      await verifyChecksums(staging)
      for (const name of ['archives', 'markers'])
        rmSync(join(staging, name), { recursive: true, force: true })
      writeManifest(staging)
      // What is there is not complete, else we would not be here.
      if (existsSync(folder)) rmSync(folder, { recursive: true, force: true })
      renameSync(staging, folder)
      // A Maven whose set-up was killed goes on for a while and makes its folder anew.
      removeStaging(root)
    } finally {
      rmSync(staging, { recursive: true, force: true })
    }
    say(`Kafka and the registry are in ${folder} (${Math.round((Date.now() - started) / 1000)} s).`)
  })
}
