/**
 * An OpenTelemetry Collector that is built from its packages: OTLP in, Kafka out. The build takes
 * minutes, so the program is kept in the user's cache.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { answerOf, runProgram } from './program.ts'

const VERSION = '0.155.0'
/** The version of the Collector's stable modules that belongs to it. */
const STABLE_VERSION = '1.61.0'

const manifest = `dist:
  name: collector
  module: millrace.test/collector
  output_path: ./dist
receivers:
  - gomod: go.opentelemetry.io/collector/receiver/otlpreceiver v${VERSION}
exporters:
  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/exporter/kafkaexporter v${VERSION}
providers:
  - gomod: go.opentelemetry.io/collector/confmap/provider/fileprovider v${STABLE_VERSION}
conf_resolver:
  default_uri_scheme: file
`

/** The program, or why there is none. */
export const collectorProgram = async (): Promise<{ readonly path: string } | string> => {
  const { XDG_CACHE_HOME: cache = join(homedir(), '.cache') } = process.env
  const folder = join(cache, 'millrace', `collector-${VERSION}`)
  const path = join(folder, 'dist', 'collector')
  if (existsSync(path)) return { path }
  if (answerOf('go', ['version']) === undefined) return 'there is no go to build a Collector'
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'manifest.yaml')
  writeFileSync(file, manifest)
  const builder = `go.opentelemetry.io/collector/cmd/builder@v${VERSION}`
  const { code, err } = await runProgram('go', ['-C', folder, 'run', builder, '--config', file])
  return code === 0 && existsSync(path)
    ? { path }
    : `the Collector could not be built: ${err.trim().slice(-500)}`
}

export interface Collector {
  readonly output: () => string
  readonly stop: () => Promise<void>
}

/** Runs with that configuration. */
export const startCollector = (path: string, config: string): Collector => {
  const child: ChildProcess = spawn(path, ['--config', config], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit')
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-20_000)
    })
  }
  return {
    output: () => output,
    stop: async () => {
      child.kill('SIGTERM')
      await exited
    },
  }
}
