/**
 * The per-user cache of fetched servers. Plain JavaScript: the set-up runs on any Node >= 18, before packages are there.
 * Its folder is named by what is in it, so that two checkouts of different versions do not disturb each other.
 */
import { homedir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

export const kafkaVersion = '4.1.0'
export const registryVersion = '2.5.11.Final'

/** Counts up when the same versions are laid out differently. */
const cacheLayout = 1

export const cacheRoot = () => {
  const configured = process.env.XDG_CACHE_HOME
  // The XDG specification: a relative path there is to be ignored.
  return join(configured?.startsWith('/') ? configured : join(homedir(), '.cache'), 'millrace')
}

/** Compiled JavaScript of any checkout, named by content: Node's own cache. */
export const compileCacheFolder = () => join(cacheRoot(), 'compiled')

export const serverCacheFolder = () =>
  join(cacheRoot(), `servers-${cacheLayout}-kafka-${kafkaVersion}-registry-${registryVersion}`)
