import type { Command } from 'commander'
import { setExitCode } from '../exit-code.ts'
import { onServers } from './on-servers.ts'

interface WorkerCommandOptions {
  readonly only?: readonly string[]
  readonly app: string
}

const listOf = (text: string): string[] => text.split(',').map((name) => name.trim())

export const register = (program: Command): void => {
  onServers(program.command('worker'))
    .description('run pipelines in the foreground; workers of one application share the work')
    .option('--only <pipelines>', 'names of the pipelines to run, separated by commas', listOf)
    .option('--app <id>', 'application id; another id does all the work again', 'millrace')
    .action(async ({ only, app }: WorkerCommandOptions) => {
      const { run } = await import('../../worker/main.ts')
      setExitCode(await run({ ...(only === undefined ? {} : { only }), applicationId: app }))
    })
}
