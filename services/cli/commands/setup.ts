import type { Command } from 'commander'

export const register = (program: Command): void => {
  program
    .command('setup')
    .description('fetch everything that start and test need; starts nothing')
    .action(async () => {
      const { runSetup } = await import('../stack/setup.ts')
      await runSetup()
    })
}
