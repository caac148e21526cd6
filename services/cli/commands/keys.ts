import type { Command } from 'commander'
import type { CreateKeyOptions } from '../keys/create.ts'
import type { ListKeysOptions } from '../keys/list.ts'
import type { RevokeKeyOptions } from '../keys/revoke.ts'
import { onServers } from './on-servers.ts'
import { JSON_OPTION } from './option-values.ts'

export const register = (program: Command): void => {
  const keys = program
    .command('keys')
    .description('API keys: make them, list them, take them back at once')
  onServers(keys.command('create'))
    .description('make a key; it is printed once and stored nowhere')
    .requiredOption('--name <name>', 'who or what uses it, in words')
    .option('--tenant <tenant>', 'whose data it reads and writes; * for all', 'default')
    .option('--roles <roles>', 'viewer, operator, approver, admin; each includes those before it')
    .option(
      '--kinds <kinds>',
      'what it may write: all, or some of metrics,logs,traces,deployments,alerts,costs',
    )
    .option('--expires <when>', '30m, 12h, 90d, a date, or never', 'never')
    .option('--reason <text>', 'why it is made; kept with it')
    .option(...JSON_OPTION)
    .action(async (options: CreateKeyOptions) => {
      const { runCreateKey } = await import('../keys/create.ts')
      await runCreateKey(options)
    })
  onServers(keys.command('list'))
    .description('keys by tenant, with what they may do and who made them')
    .option('--tenant <tenant>', 'only of this one')
    .option('--all', 'those that were revoked or have expired, too')
    .option(...JSON_OPTION)
    .action(async (options: ListKeysOptions) => {
      const { runListKeys } = await import('../keys/list.ts')
      await runListKeys(options)
    })
  onServers(keys.command('revoke'))
    .argument('<id>', 'the 12 digits between mlr_ and the secret, as `list` shows them')
    .description('take a key back, for good; holds everywhere within about a second')
    .option('--reason <text>', 'why; kept with it')
    .option(...JSON_OPTION)
    .action(async (id: string, options: RevokeKeyOptions) => {
      const { runRevokeKey } = await import('../keys/revoke.ts')
      await runRevokeKey(id, options)
    })
}
