import { InvalidArgumentError, type Command } from 'commander'

export interface DlqListOptions {
  readonly scan: number
  readonly json?: boolean
}

export interface DlqShowOptions extends DlqListOptions {
  readonly reason?: string
  readonly offset?: readonly string[]
  readonly max: number
}

export interface DlqRedriveOptions {
  readonly topic: string
  readonly reason?: string
  readonly offset?: readonly string[]
  readonly dryRun?: boolean
  readonly json?: boolean
}

const DEFAULT_SCAN = 100_000
const DEFAULT_SHOWN = 20

export const register = (program: Command): void => {
  const dlq = program
    .command('dlq')
    .description('records that could not be processed: count them, look at them, send them again')
  dlq
    .command('list')
    .description('dead-letter topics, with how many letters of which reason')
    .option('--scan <n>', 'newest records to look at, per partition', count, DEFAULT_SCAN)
    .option('--json', 'one JSON document on standard output')
    .action(async (options: DlqListOptions) => {
      const { runDlqList } = await import('../dead-letters/list.ts')
      await runDlqList(options)
    })
  dlq
    .command('show')
    .argument('<topic>', 'a dead-letter or late topic')
    .description('the newest letters: why, from where, and the value as far as it can be read')
    .option('--reason <reason>', 'only letters of this reason')
    .option('--offset <partition:offset...>', 'only these letters')
    .option('--max <n>', 'how many', count, DEFAULT_SHOWN)
    .option('--scan <n>', 'newest records to look at, per partition', count, DEFAULT_SCAN)
    .option('--json', 'one JSON document on standard output')
    .action(async (topic: string, options: DlqShowOptions) => {
      const { runDlqShow } = await import('../dead-letters/show.ts')
      await runDlqShow(topic, options)
    })
  dlq
    .command('redrive')
    .description('send letters, byte for byte, to the topics they came from; each at most once')
    .requiredOption('--topic <topic>', 'a dead-letter or late topic')
    .option('--reason <reason>', 'only letters of this reason')
    .option('--offset <partition:offset...>', 'only these letters')
    .option('--dry-run', 'count them and send nothing')
    .option('--json', 'one JSON document on standard output')
    .action(async (options: DlqRedriveOptions) => {
      const { runDlqRedrive } = await import('../dead-letters/redrive.ts')
      await runDlqRedrive(options)
    })
}

const count = (text: string): number => {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new InvalidArgumentError('Give a whole number above 0.')
}
