/** Where the set-up put the servers: jars in the user's cache folder, the ClickHouse engine in the packages. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

import { serverCacheFolder } from '../setup/cache.mjs'
import { StackError } from './errors.ts'

export interface ServerArtifacts {
  readonly kafkaJars: string
  readonly registryHome: string
  readonly registryJar: string
  readonly clickhouseLibrary: string
}

/** The package that carries the engine for a platform. Linux builds need glibc. */
export const clickhousePackage = (platform: string, arch: string): string =>
  `@chdb/lib-${platform}-${arch}${platform === 'linux' ? '-gnu' : ''}`

const findClickhouseLibrary = (): string => {
  const name = clickhousePackage(process.platform, process.arch)
  try {
    const folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`))
    const library = ['libchdb.so', 'libchdb.dylib']
      .map((file) => join(folder, file))
      .find(existsSync)
    if (library !== undefined) return library
  } catch {
    // not installed: said below
  }
  throw new StackError(
    'ARTIFACTS_MISSING',
    `The package ${name} with the ClickHouse engine is not installed; run \`npm run setup\` (Linux with glibc or macOS, x64 or arm64).`,
  )
}

export const findArtifacts = (): ServerArtifacts => {
  const cache = serverCacheFolder()
  if (!existsSync(cache)) {
    throw new StackError(
      'ARTIFACTS_MISSING',
      `Kafka and the schema registry are not in ${cache}; run \`npm run setup\`.`,
    )
  }
  return {
    kafkaJars: join(cache, 'kafka'),
    registryHome: join(cache, 'registry'),
    registryJar: 'apicurio-registry-app-2.5.11.Final-runner.jar',
    clickhouseLibrary: findClickhouseLibrary(),
  }
}
