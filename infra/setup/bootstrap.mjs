/**
 * The first step of `npm start`, `npm test` and `npm run setup`: plain JavaScript for any Node >= 18, without a package.
 * Makes the checkout ready, then goes on with Node 24.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { compileCacheFolder } from './cache.mjs'
import { ensurePackages } from './packages.mjs'
import { say, SetupError } from './say.mjs'
import { ensureServers } from './servers.mjs'
import { assertNode } from './tools.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const bin = join(root, 'node_modules', '.bin')
const mainScript = join(root, 'services', 'cli', 'main.ts')

const isNode24 = Number(process.versions.node.split('.')[0]) >= 24

/** Runs on Node 24 in our place: what signals us reaches it, and how it ends is how we end. */
const runOnNode24 = (args) =>
  new Promise((resolve, reject) => {
    const child = spawn(join(bin, 'node'), args, {
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'], // the channel tells it when we are gone
      env: { NODE_COMPILE_CACHE: compileCacheFolder(), ...process.env },
    })
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      process.on(signal, () => {
        child.kill(signal)
      })
    }
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      // As a shell has it: 128 + number; only the ones we may see.
      const numbers = { SIGHUP: 1, SIGINT: 2, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 }
      resolve(code ?? 128 + (numbers[signal] ?? 0))
    })
  })

const runCommand = async (args) => {
  if (!isNode24) return runOnNode24([mainScript, ...args])
  module.enableCompileCache?.(compileCacheFolder())
  const { main } = await import(pathToFileURL(mainScript).href)
  return main(args)
}

/** The same checks and tests as `npm run verify`. */
const runTests = (args) => runOnNode24([join(root, 'ops', 'verify.ts'), ...args])

const bootstrap = async ([command = 'up', ...args]) => {
  assertNode()
  await ensurePackages(root)
  await ensureServers()
  if (!existsSync(mainScript))
    throw new SetupError(`${mainScript} is missing; the checkout is not complete.`, 2)
  // `up` does that itself, when it knows that it can start at all.
  if (command !== 'up') await runOnNode24([join(root, 'infra', 'local', 'prepare-jvm.ts')])
  if (command === 'setup') {
    say('Millrace is set up. `npm start` starts it, `npm test` tests it.')
    return 0
  }
  return command === 'test' ? runTests(args) : runCommand([command, ...args])
}

try {
  process.exit(await bootstrap(process.argv.slice(2)))
} catch (error) {
  say(error instanceof SetupError ? error.message : (error.stack ?? String(error)))
  process.exit(error instanceof SetupError ? error.exitCode : 1)
}
