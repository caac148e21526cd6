import type { Command } from 'commander'
import { portBase } from './option-values.ts'

export interface UpOptions {
  readonly data: string
  readonly portBase?: number
  readonly demo: boolean
  readonly fresh?: true
  readonly open: boolean
}

export const register = (program: Command): void => {
  program
    .command('up')
    .description('run the whole stack on this machine until Ctrl-C')
    .option('--data <dir>', 'folder that keeps everything', '.millrace')
    .option('--port-base <n>', 'ports n..n+10 in place of 8080, 4318, 9092, ...', portBase)
    .option(
      '--no-demo',
      'without the demo shop and what is seen of this machine: only what you send',
    )
    .option('--fresh', 'remove what the data folder holds, and begin anew')
    .option('--no-open', 'do not open the page in a browser')
    .action(async (options: UpOptions) => {
      const { runUp } = await import('../stack/up.ts')
      await runUp(options)
    })
}
