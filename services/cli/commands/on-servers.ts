/** For commands that work on the servers of a stack: `--data`, and what the stack of that folder says about them. */
import type { Command } from 'commander'

export const onServers = (command: Command): Command =>
  command
    .option(
      '--data <dir>',
      'use the local stack of this folder (default: .millrace, if its stack runs); the environment wins',
    )
    .hook('preAction', async (_, called) => {
      const [{ localStackVariables }, { completeEnvironment }] = await Promise.all([
        import('../local-stack.ts'),
        import('../../shared/config.ts'),
      ])
      const { data } = called.opts<{ data?: string }>()
      completeEnvironment((environment) => localStackVariables(environment, data))
    })
