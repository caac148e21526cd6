import type { Command } from 'commander'
import type { BacktestCommandOptions } from '../backtest/run-backtest.ts'
import { onServers } from './on-servers.ts'
import { JSON_OPTION, wholeNumber } from './option-values.ts'

const DEFAULT_KEPT = 100

export const register = (program: Command): void => {
  onServers(program.command('backtest'))
    .description(
      'run a pipeline again, in memory: does it say the same, or what do other settings say?',
    )
    .requiredOption('--pipeline <name>', 'rollups or anomalies')
    .option('--with <file>', 'JSON: settings to try instead of the recorded ones')
    .option('--from <time>', 'count only what inputs led to that arrived from then on')
    .option('--to <time>', 'and before then; both like 2026-01-31T12:00Z')
    .option(
      '--max <n>',
      'differences of each kind and topic in --json; all are counted',
      wholeNumber,
      DEFAULT_KEPT,
    )
    .option('--app <id>', 'the run of this application id, as in `millrace worker --app`')
    .option(...JSON_OPTION)
    .addHelpText('after', HELP)
    .action(async (options: BacktestCommandOptions) => {
      const { runBacktest } = await import('../backtest/run-backtest.ts')
      await runBacktest(options)
    })
}

const HELP = `
Without --with it checks the recorded run: exit code 0 when the outputs are byte for byte the same,
1 when they are not. With --with the differences are the answer, and the exit code is 0. It writes
nothing to Kafka, and lists at most ten differences of each kind and topic, --json up to --max.

For anomalies the file holds detector settings, {"rules": [...]}, or entries of control.config:
{"scope": "detectors", "tenant": "default", "body": {...}}, one or a list.`
