import { InvalidArgumentError, type Command } from 'commander'

export interface TailOptions {
  readonly from: string
  readonly where?: string
  readonly max?: number
  readonly timeout?: number
  readonly json?: boolean
}

export const register = (program: Command): void => {
  program
    .command('tail')
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

const wholeNumber = (text: string): number => {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new InvalidArgumentError('Give a whole number above 0.')
}

const seconds = (text: string): number => {
  const value = Number(text)
  // setTimeout fires at once beyond 2^31 ms.
  if (value > 0 && value <= 2_000_000) return value
  throw new InvalidArgumentError('Give seconds between 0 and 2000000.')
}
