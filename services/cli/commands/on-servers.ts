/** For commands that work on the servers of a stack: `--data`, and what the stack of that folder says about them. */
import process from 'node:process'
import type { Command } from 'commander'

export const onServers = (command: Command): Command =>
  command
    .option(
      '--data <dir>',
      'use the local stack of this folder (default: .millrace, if its stack runs); the environment wins',
    )
    .hook('preAction', async (_, called) => {
      const { localStackVariables } = await import('../local-stack.ts')
      const { data } = called.opts<{ data?: string }>()
      // The one edge where settings come from; everything behind it reads them as its configuration.
      Object.assign(process.env, localStackVariables(process.env, data))
    })
