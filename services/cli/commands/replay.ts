import type { Command } from 'commander'
import type { ReplayOptions } from '../replay/run-replay-metrics.ts'
import { onServers } from './on-servers.ts'
import { JSON_OPTION } from './option-values.ts'

export const register = (program: Command): void => {
  const replay = program
    .command('replay')
    .description('publish files of history in the order of their event time')
  onServers(replay.command('metrics'))
    .argument('<file...>', 'CSV files, or folders with CSV files in them')
    .description('points from CSV: a timestamp, a value, further columns as labels')
    .option('--speed <speed>', '`max`, or `Nx`: N seconds of history a second', 'max')
    .option('--tenant <tenant>', 'tenant to write to (default: replay-<name>)')
    .option('--name <name>', 'name of the replay (default: unique per run)')
    .option(...JSON_OPTION)
    .action(async (files: readonly string[], options: ReplayOptions) => {
      const { runReplayMetrics } = await import('../replay/run-replay-metrics.ts')
      await runReplayMetrics(files, options)
    })
}
