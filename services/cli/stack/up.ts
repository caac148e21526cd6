/**
 * `millrace up`: the servers, then topics and schemas, then the Node services; runs until it is asked to stop or a process that is
 * needed is given up. Either way everything is stopped in order: services, ClickHouse, registry, Kafka.
 */
import { relative, sep } from 'node:path'
import process from 'node:process'

import {
  freePort,
  startServers,
  type PortName,
  type RunningServers,
} from '../../../infra/local/index.ts'
import { readConfig } from '../../shared/config.ts'
import type { UpOptions } from '../commands/up.ts'
import { nodeServiceSpec, presentServices, shopService, webhookService } from './node-services.ts'
import { openPage } from './open-page.ts'
import { makeFirstKey, prepareTopics } from './prepare-topics.ts'
import { createProgress, readyLines, say } from './progress.ts'
import { withExitCode } from './stack-exit.ts'
import { aborted, watchForStop } from './stop-request.ts'

const defaultData = '.millrace'

/** Rejects when a process is given up. Handled from the start, so that nothing is unhandled before somebody waits for it. */
const createFailure = () => {
  const { promise, reject } = Promise.withResolvers<never>()
  promise.catch(() => undefined)
  return { failed: promise, fail: reject }
}

/** Relative where that is shorter to read: below the working directory. */
const shortPath = (path: string): string => {
  const short = relative(process.cwd(), path)
  return short === '' || short.split(sep)[0] === '..' ? path : short
}

const dataOptionOf = (data: string): string => (data === defaultData ? '' : ` --data ${data}`)

const startAll = async (
  options: UpOptions,
  startedAtMs: number,
  signal: AbortSignal,
  fail: (error: Error) => void,
): Promise<RunningServers> => {
  const { webhook } = readConfig()
  const services = [
    ...presentServices(),
    ...(options.demo ? [shopService] : []),
    ...(webhook === undefined ? [] : [webhookService]),
  ]
  const alsoFree: readonly PortName[] = services.flatMap(({ port }) =>
    port === 'any' ? [] : [port],
  )
  const servers = await startServers({
    dataDir: options.data,
    ...(options.portBase === undefined ? {} : { portBase: options.portBase }),
    ...(options.fresh === undefined ? {} : { fresh: options.fresh }),
    alsoFree,
    signal,
    onChange: createProgress(startedAtMs),
    onLeftovers: (names) => {
      say(`  ! stopped what an earlier run had left: ${names.join(', ')}`)
    },
    onFailed: fail,
    onPrepare: () => {
      say('  preparing Kafka and the registry for fast starts, once (some ten seconds) ...')
    },
  })
  const stopEarly = (): void => {
    void servers.stop()
  }
  signal.addEventListener('abort', stopEarly)
  let firstKey: string | undefined
  try {
    await prepareTopics(servers.env, signal)
    firstKey = await makeFirstKey(servers, signal)
    const input = { servers, demo: options.demo, anyPort: await freePort() }
    await servers.start(services.map((service) => nodeServiceSpec(service, input)))
  } catch (error) {
    await servers.stop()
    throw error
  } finally {
    signal.removeEventListener('abort', stopEarly)
  }
  const { ports, layout } = servers
  const notice = {
    ports,
    dataDir: shortPath(layout.root),
    dataOption: dataOptionOf(options.data),
    tookMs: Date.now() - startedAtMs,
    services: services.map(({ name }) => name),
    ...(firstKey === undefined ? {} : { firstKey, firstKeyFile: shortPath(layout.apiKey) }),
  }
  for (const line of readyLines(notice)) say(line)
  if (options.open && notice.services.includes('api'))
    openPage(`http://127.0.0.1:${String(ports.api)}/`)
  return servers
}

export const runUp = async (options: UpOptions): Promise<void> => {
  const startedAtMs = Date.now()
  const signal = watchForStop()
  const { failed, fail } = createFailure()
  say('Millrace is starting ...')
  signal.addEventListener('abort', () => {
    say('Stopping ...')
  })
  // The children are no reason to stay (they may all be waiting for a restart): this is.
  const stay = setInterval(() => undefined, 60_000)
  let servers: RunningServers | undefined
  try {
    servers = await startAll(options, startedAtMs, signal, fail)
    await Promise.race([aborted(signal), failed])
  } catch (error) {
    if (!signal.aborted) throw withExitCode(error)
  } finally {
    clearInterval(stay)
    await servers?.stop()
  }
  say('Millrace is stopped.')
}
