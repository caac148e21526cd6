import process from 'node:process'
import { EXIT } from '../../shared/errors.ts'
import { applyTopics, type ApplyResult } from '../../topics/apply.ts'
import type { Step } from '../../topics/plan.ts'
import { wantedForeign } from '../../topics/wanted-topic.ts'
import { setExitCode } from '../exit-code.ts'
import { withTopicSession } from './session.ts'

/** Runs before everything else of an installation: its Kafka may still be starting. */
const CONNECT_MS = 30_000

export interface ApplyTopicsOptions {
  readonly app?: string
  readonly dryRun?: boolean
  readonly foreign?: boolean
  readonly json?: boolean
}

export const runApply = ({
  dryRun = false,
  foreign = false,
  json = false,
  app,
}: ApplyTopicsOptions): Promise<void> =>
  withTopicSession(
    async ({ config, servers, catalogue, internal }) => {
      const names = foreign ? config.foreignTopics.map(({ topic }) => topic) : []
      const wanted = [...catalogue, ...internal, ...wantedForeign(names)]
      const result = await applyTopics(wanted, servers, { dryRun })
      if (json) process.stdout.write(`${JSON.stringify(jsonOf(result))}\n`)
      else process.stderr.write(textOf(result, dryRun))
      if (result.refusals.length > 0) setExitCode(EXIT.negative)
    },
    { app, connectMs: CONNECT_MS },
  )

const jsonOf = ({ steps, ...result }: ApplyResult) => ({
  ...result,
  steps: steps.map(withoutSchema),
})

/** A plan is read by people and scripts; the schema stands in schemas/. */
const withoutSchema = (step: Step) => {
  if (step.kind !== 'register-schema') return step
  return { kind: step.kind, subject: step.subject }
}

const textOf = (result: ApplyResult, dryRun: boolean): string => {
  const { steps, refusals, notes, unchanged } = result
  if (refusals.length > 0) {
    const reasons = refusals.map(({ reason }) => `  ${reason}`)
    return ['Refused, nothing was changed:', ...reasons, ''].join('\n')
  }
  const lines = [
    ...steps.map((step) => `${dryRun ? 'would ' : ''}${lineOf(step)}`),
    ...notes.map((note) => `note: ${note}`),
    ...(unchanged.length === 0 ? [] : [`${String(unchanged.length)} topics were right already`]),
  ]
  return `${lines.join('\n')}\n`
}

const lineOf = (step: Step): string => {
  switch (step.kind) {
    case 'create-topic':
      return `create topic ${step.topic} with ${String(step.partitions)} partitions`
    case 'alter-topic':
      return `set ${listOf(step.settings)} on topic ${step.topic}`
    case 'register-schema':
      return `register the schema of ${step.subject}`
    case 'set-compatibility':
      return `hold ${step.subject} to ${step.compatibility}`
  }
}

const listOf = (settings: Readonly<Record<string, string>>): string =>
  Object.entries(settings)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ')
