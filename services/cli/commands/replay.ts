import type { Command } from 'commander'
import type { ReplayOptions } from '../replay/run-replay.ts'
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
    .addHelpText('after', CSV_HELP)
    .action(async (files: readonly string[], options: ReplayOptions) => {
      const { runReplay } = await import('../replay/run-replay.ts')
      const { metricsSignal } = await import('../../replay/csv-points.ts')
      await runReplay(metricsSignal, files, options)
    })
}

const CSV_HELP = `
The time is the column named timestamp, time, date, datetime or ts, else the first one; the value is
the one named value, else the next. Times are ISO 8601 or numbers since 1970 (s, ms, us or ns, told by
size). Numbers below 100000000 (before 1973) are refused unless the header names the column so.`
