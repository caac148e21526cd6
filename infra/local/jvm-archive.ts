/**
 * Shared archives of loaded classes (AppCDS): with one, Kafka and the registry start with a third less work.
 *
 * An archive belongs to one Java build and one set of jars, so its folder is named by both; a JVM that finds it unfit ignores it.
 *
 * A1: the folder appears by one rename. Without it servers start as before, only slower: making it may fail, starting may not.
 * A2: a failure is remembered in the folder, so that not every start tries again.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'

import { cacheRoot, serverCacheFolder } from '../setup/cache.mjs'
import type { ServerArtifacts } from './artifacts.ts'
import { stopLeftovers } from './pid-records.ts'
import { startOf } from './process-identity.ts'
import type { Java } from './java.ts'
import { kafkaServer } from './kafka.ts'
import { layoutOf } from './layout.ts'
import type { ProcessSpec } from './managed-process.ts'
import { freePort, wellKnownPorts, type StackPorts } from './ports.ts'
import { registryServer } from './registry.ts'
import { Supervisor } from './supervisor.ts'

export type ArchivedServer = 'kafka' | 'registry'

const keyLength = 16
/** Counts up when what is archived changes for another reason than a new version. */
const archiveLayout = 1

const rootFolder = (): string => join(cacheRoot(), 'jvm')

export const archiveFolder = (java: Java): string => {
  const hash = createHash('sha256')
  for (const part of [String(archiveLayout), java.version, serverCacheFolder()]) {
    hash.update(part).update('\0')
  }
  return join(rootFolder(), hash.digest('hex').slice(0, keyLength))
}

const fileOf = (folder: string, server: ArchivedServer): string => join(folder, `${server}.jsa`)

/** What makes a JVM use its archive; nothing when there is none. */
export const archiveFlags = (java: Java, server: ArchivedServer): readonly string[] => {
  const file = fileOf(archiveFolder(java), server)
  // `auto`: what does not fit is ignored. Its warnings would only fill the log.
  return existsSync(file) ? [`-XX:SharedArchiveFile=${file}`, '-Xshare:auto', '-Xlog:cds*=off'] : []
}

export interface PrepareArchivesOptions {
  readonly java: Java
  readonly artifacts: ServerArtifacts
  readonly signal?: AbortSignal
  /** Called only when there is something to do, which takes some ten seconds. */
  readonly onStart?: () => void
}

/** Writing an archive takes some seconds of CPU after the server has ended. */
const dumpTimeoutMs = 180_000

/** Answers why there are no archives, or nothing when there are. */
export const prepareArchives = async (
  options: PrepareArchivesOptions,
): Promise<string | undefined> => {
  const folder = archiveFolder(options.java)
  if (existsSync(folder)) return undefined
  options.onStart?.()
  const staging = `${folder}.${String(process.pid)}`
  try {
    await removeAbandoned()
    mkdirSync(staging, { recursive: true })
    const problem = await train(options, staging)
    if (options.signal?.aborted === true) return 'interrupted'
    if (problem !== undefined) writeFileSync(join(staging, 'failed'), problem)
    rmSync(join(staging, 'data'), { recursive: true, force: true })
    renameSync(staging, folder)
    return problem
  } catch (error) {
    if (existsSync(folder)) return undefined // another one was faster
    return error instanceof Error ? error.message : String(error)
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
}

/** What a preparation that was killed has left: its servers, then its folder. */
const removeAbandoned = async (): Promise<void> => {
  if (!existsSync(rootFolder())) return
  for (const name of readdirSync(rootFolder())) {
    const owner = Number(name.split('.')[1] ?? Number.NaN)
    if (Number.isNaN(owner) || startOf(owner) !== undefined) continue
    const folder = join(rootFolder(), name)
    await stopLeftovers(layoutOf(join(folder, 'data')).pids)
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Runs both once on folders and ports of their own; each writes its archive when it ends. */
const train = async (
  { java, artifacts, signal }: PrepareArchivesOptions,
  staging: string,
): Promise<string | undefined> => {
  const layout = layoutOf(join(staging, 'data'))
  for (const made of [layout.pids, layout.logs]) mkdirSync(made, { recursive: true })
  const ports: StackPorts = {
    ...wellKnownPorts,
    kafka: await freePort(),
    kafkaController: await freePort(),
    registry: await freePort(),
  }
  const input = { java: java.command, artifacts, layout, ports }
  const trained = (server: ArchivedServer, spec: ProcessSpec): ProcessSpec => ({
    ...spec,
    args: [`-XX:ArchiveClassesAtExit=${fileOf(staging, server)}`, '-Xlog:cds*=off', ...spec.args],
    get stopTimeoutMs() {
      return signal?.aborted === true ? 0 : dumpTimeoutMs
    },
  })
  const supervisor = new Supervisor({ layout, ports })
  const stopAll = (): Promise<void> => supervisor.stopAll([])
  const stopEarly = (): void => {
    void stopAll()
  }
  signal?.addEventListener('abort', stopEarly)
  try {
    await supervisor.start([
      trained('kafka', kafkaServer(input)),
      trained('registry', registryServer(input)),
    ])
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    await stopAll()
    signal?.removeEventListener('abort', stopEarly)
  }
  const missing = (['kafka', 'registry'] as const).filter(
    (name) => !existsSync(fileOf(staging, name)),
  )
  return missing.length === 0 ? undefined : `Java wrote no archive for ${missing.join(' and ')}`
}
