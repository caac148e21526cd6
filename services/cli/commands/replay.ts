import { InvalidArgumentError, type Command } from 'commander'
import type { ReplayOptions } from '../replay/run-replay.ts'
import { onServers } from './on-servers.ts'
import { JSON_OPTION } from './option-values.ts'

export const register = (program: Command): void => {
  const replay = program
    .command('replay')
    .description('publish files of history in the order of their event time')
  subcommand(replay, 'metrics')
    .description('points from CSV: a timestamp, a value, further columns as labels')
    .addHelpText('after', CSV_HELP)
    .action(async (files: readonly string[], options: ReplayOptions) => {
      const { runReplay } = await import('../replay/run-replay.ts')
      const { metricsSignal } = await import('../../replay/csv-points.ts')
      await runReplay(metricsSignal, files, options)
    })
  subcommand(replay, 'logs')
    .description('log entries from plain text, lines of JSON, or CSV')
    .option('--service <name>', 'who logged what names no service (default: name of the file)')
    .option('--year <year>', 'year of the first entry, for times that have none', yearOf)
    .addHelpText('after', LOGS_HELP)
    .action(async (files: readonly string[], options: ReplayOptions & LogArguments) => {
      const { runReplay } = await import('../replay/run-replay.ts')
      const { logsSignal } = await import('../../replay/logs/log-file.ts')
      const { service, year } = options
      await runReplay(logsSignal({ service, year }), files, options)
    })
  subcommand(replay, 'spans')
    .description('spans from lines of JSON (OTLP, Zipkin, a span a line), or CSV')
    .action(async (files: readonly string[], options: ReplayOptions) => {
      const { runReplay } = await import('../replay/run-replay.ts')
      const { spansSignal } = await import('../../replay/spans/span-file.ts')
      await runReplay(spansSignal, files, options)
    })
  subcommand(replay, 'deployments')
    .description('deployments from lines of JSON, or CSV')
    .action(async (files: readonly string[], options: ReplayOptions) => {
      const { runReplay } = await import('../replay/run-replay.ts')
      const { deploymentsSignal } = await import('../../replay/deployments/deployment-file.ts')
      await runReplay(deploymentsSignal, files, options)
    })
  subcommand(replay, 'costs')
    .description('bills from CSV: FOCUS, or AWS Cost and Usage Reports')
    .option('--export <name>', 'what the files are a delivery of (default: name of each file)')
    .option('--as-of <time>', 'when the bill was so (default: when each file was written)', timeOf)
    .action(async (files: readonly string[], options: ReplayOptions & CostArguments) => {
      const { runReplay } = await import('../replay/run-replay.ts')
      const { costsSignal } = await import('../../replay/costs/cost-file.ts')
      const { export: exportName, asOf: asOfMs } = options
      await runReplay(costsSignal({ exportName, asOfMs }), files, options)
    })
}

interface LogArguments {
  readonly service?: string
  readonly year?: number
}

interface CostArguments {
  readonly export?: string
  readonly asOf?: number
}

const subcommand = (replay: Command, signal: string): Command =>
  onServers(replay.command(signal))
    .argument('<file...>', 'files, packed by gzip or not, or folders with such files in them')
    .option('--speed <speed>', '`max`, or `Nx`: N seconds of history a second', 'max')
    .option('--tenant <tenant>', 'tenant to write to (default: replay-<name>)')
    .option('--name <name>', 'name of the replay (default: unique per run)')
    .option(...JSON_OPTION)

const yearOf = (text: string): number => {
  const year = Number(text)
  if (Number.isInteger(year) && year >= 1970 && year <= 2200) return year
  throw new InvalidArgumentError('Give a year like 2025.')
}

const timeOf = (text: string): number => {
  const time = Date.parse(text)
  if (time >= 0 && time <= Date.now()) return time
  throw new InvalidArgumentError('Give a time like 2026-03-01T12:00:00Z, not ahead of now.')
}

const CSV_HELP = `
The time is the column named timestamp, time, date, datetime or ts, else the first one; the value is
the one named value, else the next. Times are ISO 8601 or numbers since 1970 (s, ms, us or ns, told by
size). Numbers below 100000000 (before 1973) are refused unless the header names the column so.`

const LOGS_HELP = `
In plain text a line with a time begins an entry, and lines without one belong to the entry before them.
docs/producers.md lists the ways to write a time that are known.`
