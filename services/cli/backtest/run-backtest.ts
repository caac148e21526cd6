import { readFileSync } from 'node:fs'
import process from 'node:process'
import { DEFAULT_APPLICATION_ID, forApplication } from '../../../pipelines/runtime/index.ts'
import { backtest, type BacktestProgress } from '../../backtest/backtest.ts'
import { parseOverrides, type ConfigOverride } from '../../backtest/config-override.ts'
import { timeOf } from '../../records/from.ts'
import { EXIT, messageOf, usageError } from '../../shared/errors.ts'
import { registryConnection, schemaRegistry } from '../../shared/registry.ts'
import { orderedPipelines } from '../../worker/pipelines.ts'
import { schemaIdsOf } from '../../worker/schema-ids.ts'
import { setExitCode } from '../exit-code.ts'
import { withKafka } from '../kafka-session.ts'
import { backtestText } from './backtest-text.ts'

export interface BacktestCommandOptions {
  readonly pipeline: string
  readonly from?: string
  readonly to?: string
  readonly with?: string
  readonly app?: string
  readonly max: number
  readonly json?: boolean
}

const PROGRESS_EVERY_MS = 2_000

export const runBacktest = async (options: BacktestCommandOptions): Promise<void> => {
  const { app = DEFAULT_APPLICATION_ID, json = false } = options
  const own = orderedPipelines.find(({ name }) => name === options.pipeline)
  if (own === undefined) {
    const names = orderedPipelines.map(({ name }) => name).join(', ')
    throw usageError(`There is no pipeline '${options.pipeline}'; there are: ${names}.`)
  }
  const period = periodOf(options)
  const overrides = options.with === undefined ? undefined : readOverrides(options.with, own.name)
  const pipeline = forApplication(own, app)
  await withKafka(async ({ config, cluster }) => {
    const connection = registryConnection(config.schemaRegistry)
    const result = await backtest({
      ...{ cluster, pipeline, period, limit: options.max },
      registry: schemaRegistry(config),
      schemaIds: await schemaIdsOf(pipeline, connection),
      ...(overrides && { overrides }),
      onProgress: progressLines(),
    })
    const { diff, ...rest } = result
    const none = { added: [], removed: [], changed: [] }
    if (json) process.stdout.write(`${JSON.stringify({ ...rest, ...none, ...diff })}\n`)
    else process.stdout.write(backtestText(pipeline.name, result))
    if (diff === undefined && !result.baseline.reproduced) setExitCode(EXIT.negative)
  })
}

const readOverrides = (file: string, pipeline: string): ConfigOverride[] => {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw usageError(`--with ${file} cannot be read: ${messageOf(error)}`, error)
  }
  return parseOverrides(text, { pipeline, file })
}

const periodOf = ({ from, to }: BacktestCommandOptions) => {
  const period = {
    fromMs: from === undefined ? Number.NEGATIVE_INFINITY : givenTime('--from', from),
    toMs: to === undefined ? Number.POSITIVE_INFINITY : givenTime('--to', to),
  }
  if (period.fromMs < period.toMs) return period
  throw usageError(`--from ${from ?? ''} is not before --to ${to ?? ''}.`)
}

const givenTime = (option: string, text: string): number => {
  if (text === 'beginning') return Number.NEGATIVE_INFINITY
  const time = timeOf(text)
  if (time !== undefined) return time
  throw usageError(`${option} is '${text}'; give an arrival time like 2026-01-31T12:00Z.`)
}

const progressLines = (): ((progress: BacktestProgress) => void) => {
  let toldAtMs = performance.now()
  return ({ partition, partitions, records }) => {
    if (performance.now() - toldAtMs < PROGRESS_EVERY_MS) return
    toldAtMs = performance.now()
    process.stderr.write(
      `backtest: partition ${partition + 1} of ${partitions}, ${records} records\n`,
    )
  }
}
