#!/usr/bin/env node
/** `millrace`: goes on with the Node 24 of the packages, whatever Node started it. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { compileCacheFolder } from '../../infra/setup/cache.mjs'

// Not import.meta.dirname: Node 18 does not have it. The link in node_modules/.bin is already resolved here.
const here = dirname(fileURLToPath(import.meta.url))
const mainScript = join(here, 'main.ts')
const node = join(here, '..', '..', 'node_modules', '.bin', 'node')

if (Number(process.versions.node.split('.')[0]) >= 24) {
  module.enableCompileCache?.(compileCacheFolder())
  const { main } = await import(pathToFileURL(mainScript).href)
  process.exit(await main(process.argv.slice(2)))
} else if (existsSync(node)) {
  const child = spawn(node, [mainScript, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { NODE_COMPILE_CACHE: compileCacheFolder(), ...process.env },
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.once('exit', (code) => process.exit(code ?? 1))
} else {
  process.stderr.write('millrace: the checkout is not set up; run `npm run setup` in it.\n')
  process.exit(2)
}
