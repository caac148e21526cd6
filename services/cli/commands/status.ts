import type { Command } from 'commander'

export interface StatusOptions {
  readonly data: string
  readonly json?: true
}

export const register = (program: Command): void => {
  program
    .command('status')
    .description('what runs, since when, and how much memory and disk it takes')
    .option('--data <dir>', 'the folder given to `up`', '.millrace')
    .option('--json', 'one JSON document on standard output')
    .action(async (options: StatusOptions) => {
      const { runStatus } = await import('../stack/status.ts')
      await runStatus(options)
    })
}
