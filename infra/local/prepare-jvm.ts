/** The part of the set-up that makes later starts fast: `node infra/local/prepare-jvm.ts`. Never fails a set-up. */
import process from 'node:process'

import { findArtifacts } from './artifacts.ts'
import { inspectJava } from './java.ts'
import { prepareArchives } from './jvm-archive.ts'

const controller = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'] as const) {
  process.on(name, () => {
    controller.abort()
  })
}
const problem = await prepareArchives({
  java: await inspectJava(),
  artifacts: findArtifacts(),
  signal: controller.signal,
  onStart: () => {
    process.stderr.write('Preparing Kafka and the registry for fast starts, once ...\n')
  },
})
if (problem !== undefined) process.stderr.write(`  not done (${problem}); starts take longer.\n`)
process.exit(controller.signal.aborted ? 130 : 0)
