import type { Command } from 'commander'

export interface DownOptions {
  readonly data: string
  readonly purge?: true
  readonly yes?: true
}

export const register = (program: Command): void => {
  program
    .command('down')
    .description('stop what `up` with the same --data started')
    .option('--data <dir>', 'the folder given to `up`', '.millrace')
    .option('--purge', 'then remove its data, after asking')
    .option('--yes', 'do not ask')
    .action(async (options: DownOptions) => {
      const { runDown } = await import('../stack/down.ts')
      await runDown(options)
    })
}
