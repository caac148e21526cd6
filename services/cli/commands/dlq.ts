import type { Command } from 'commander'
import type { DlqListOptions } from '../dead-letters/list.ts'
import type { DlqRedriveOptions } from '../dead-letters/redrive.ts'
import type { DlqShowOptions } from '../dead-letters/show.ts'
import { onServers } from './on-servers.ts'
import { JSON_OPTION, wholeNumber } from './option-values.ts'

const DEFAULT_SCAN = 100_000
const DEFAULT_SHOWN = 20

export const register = (program: Command): void => {
  const dlq = program
    .command('dlq')
    .description('records that could not be processed: count them, look at them, send them again')
  onServers(dlq.command('list'))
    .description('dead-letter and late topics, with how many letters of which reason')
    .option('--scan <n>', 'newest records to look at, per partition', wholeNumber, DEFAULT_SCAN)
    .option(...JSON_OPTION)
    .action(async (options: DlqListOptions) => {
      const { runDlqList } = await import('../dead-letters/list.ts')
      await runDlqList(options)
    })
  onServers(dlq.command('show'))
    .argument('<topic>', 'a dead-letter or late topic')
    .description('the newest letters: why, from where, and the value as far as it can be read')
    .option('--reason <reason>', 'only letters of this reason')
    .option('--offset <partition:offset...>', 'only these letters')
    .option('--max <n>', 'how many', wholeNumber, DEFAULT_SHOWN)
    .option('--scan <n>', 'newest records to look at, per partition', wholeNumber, DEFAULT_SCAN)
    .option(...JSON_OPTION)
    .action(async (topic: string, options: DlqShowOptions) => {
      const { runDlqShow } = await import('../dead-letters/show.ts')
      await runDlqShow(topic, options)
    })
  onServers(dlq.command('redrive'))
    .description('send letters, byte for byte, to the topics they came from; each at most once')
    .requiredOption('--topic <topic>', 'a dead-letter or late topic')
    .option('--reason <reason>', 'only letters of this reason')
    .option('--offset <partition:offset...>', 'only these letters')
    .option('--dry-run', 'count them and send nothing')
    .option(...JSON_OPTION)
    .action(async (options: DlqRedriveOptions) => {
      const { runDlqRedrive } = await import('../dead-letters/redrive.ts')
      await runDlqRedrive(options)
    })
}
