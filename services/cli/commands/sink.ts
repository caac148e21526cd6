import type { Command } from 'commander'
import type { SinkVerifyOptions } from '../sink/verify.ts'
import { onServers } from './on-servers.ts'
import { JSON_OPTION, seconds } from './option-values.ts'

const DEFAULT_WAIT_SECONDS = 20

export const register = (program: Command): void => {
  const sink = program.command('sink').description('what has reached ClickHouse')
  onServers(sink.command('verify'))
    .description('read topics again: is every record in ClickHouse, and once? Exit code 1 if not')
    .option('--topic <topic>', 'only this one (default: all that go to ClickHouse)')
    .option('--wait <s>', 'how long a record may be on its way', seconds, DEFAULT_WAIT_SECONDS)
    .option(...JSON_OPTION)
    .action(async (options: SinkVerifyOptions) => {
      const { runSinkVerify } = await import('../sink/verify.ts')
      await runSinkVerify(options)
    })
}
