/** Topics and schemas, made before anything reads or writes them; and the first API key of a stack. */
import { existsSync, writeFileSync } from 'node:fs'

import type { RunningServers } from '../../../infra/local/index.ts'
import { ALL_TENANTS } from '../../shared/identity/principal.ts'
import { runCommand } from './run-command.ts'

export const prepareTopics = async (
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> => {
  const failure = 'Topics and schemas could not be made'
  await runCommand({ args: ['topics', 'apply', '--foreign'], env, signal, failure })
}

const FIRST_KEY = ['--tenant', ALL_TENANTS, '--roles', 'admin', '--kinds', 'all']
const WHY = ['--name', 'first key of this stack', '--reason', 'made by millrace up']

/**
 * The key, when it has just been made; later it is in the data folder, readable by its owner only,
 * and shown no more.
 */
export const makeFirstKey = async (
  { env, layout }: Pick<RunningServers, 'env' | 'layout'>,
  signal: AbortSignal,
): Promise<string | undefined> => {
  if (existsSync(layout.apiKey)) return undefined
  const args = ['keys', 'create', ...FIRST_KEY, ...WHY]
  const failure = 'The first API key could not be made'
  const key = (await runCommand({ args, env, signal, failure })).trim()
  writeFileSync(layout.apiKey, `${key}\n`, { mode: 0o600, flag: 'wx' })
  return key
}
