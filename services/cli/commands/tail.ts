import type { Command } from 'commander'
import type { TailOptions } from '../records/tail.ts'
import { onServers } from './on-servers.ts'
import { seconds, wholeNumber } from './option-values.ts'

export const register = (program: Command): void => {
  onServers(program.command('tail'))
    .argument('<topic>', 'any topic, internal ones too')
    .description('records of a topic as JSON lines; only what is committed')
    .option(
      '--from <where>',
      'beginning, latest, or an arrival time like 2026-01-31T12:00Z',
      'latest',
    )
    .option(
      '--where <expr>',
      'CEL condition over partition, offset, timestamp, key and value, e.g. \'value.severity == "high"\'',
    )
    .option('--max <n>', 'end after so many records', wholeNumber)
    .option(
      '--timeout <s>',
      'end after so many seconds; exit code 4 if --max was not reached',
      seconds,
    )
    .option('--json', 'JSON lines are all there is; accepted for uniformity')
    .action(async (topic: string, options: TailOptions) => {
      const { runTail } = await import('../records/tail.ts')
      await runTail(topic, options)
    })
}
