/** The result of a backtest for people. */
import type { BacktestResult } from '../../backtest/backtest.ts'
import type { ChangedValue, DiffValue } from '../../backtest/output-diff.ts'

/** Of each kind and topic. */
const SHOWN = 10

export const backtestText = (pipeline: string, result: BacktestResult): string => {
  const { baseline, candidate, diff, inputs } = result
  const lines = [
    `${pipeline}: ${inputs} records led to ${baseline.count} outputs.`,
    ...verdictLines(baseline),
  ]
  if (candidate !== undefined && diff !== undefined) {
    const { added, removed, changed } = diff.counts
    lines.push(
      `With the other settings: ${candidate.count} outputs; ${added} added, ${removed} removed, ${changed} changed.`,
    )
    for (const [topic, counts] of Object.entries(diff.countsByTopic)) {
      const own = <Each extends DiffValue | ChangedValue>(all: readonly Each[]): readonly Each[] =>
        all.filter((each) => each.topic === topic)
      lines.push(
        ...listed('+', counts.added, own(diff.added)),
        ...listed('-', counts.removed, own(diff.removed)),
        ...listed('~', counts.changed, own(diff.changed)),
      )
    }
  }
  return `${lines.join('\n')}\n`
}

const verdictLines = (baseline: BacktestResult['baseline']): string[] => {
  const { reproduced, recorded, differing, differences, reasons } = baseline
  if (reproduced) {
    return [`They are what was recorded, byte for byte (${recorded} recorded in all).`]
  }
  return [
    `They are not what was recorded: of ${differing} keys the outputs differ.`,
    ...reasons.map((reason) => `  ${reason}`),
    ...differences
      .slice(0, SHOWN)
      .map(
        ({ topic, partition, key, recorded: was, produced: is }) =>
          `  ${topic}/${partition} ${shownKey(key)}: ${was} recorded, ${is} now`,
      ),
  ]
}

const listed = (sign: string, count: number, shown: readonly (DiffValue | ChangedValue)[]) => {
  const lines = shown
    .slice(0, SHOWN)
    .map((each) => `  ${sign} ${each.timestamp} ${each.topic} ${described(each)}`)
  const more = count - lines.length
  return more > 0 ? [...lines, `  ${sign} and ${more} more of ${shown[0]?.topic ?? ''}`] : lines
}

const described = (difference: DiffValue | ChangedValue): string => {
  const { key } = difference
  if ('value' in difference) return messageIn(difference.value) ?? shownKey(key)
  const [before, after] = [messageIn(difference.baseline), messageIn(difference.candidate)]
  return before === undefined && after === undefined
    ? shownKey(key)
    : `${before ?? '(nothing more)'} -> ${after ?? '(nothing more)'}`
}

const messageIn = (value: unknown): string | undefined => {
  const message: unknown =
    typeof value === 'object' && value !== null ? Reflect.get(value, 'message') : undefined
  return typeof message === 'string' ? message : undefined
}

const shownKey = (key: string): string => key.replaceAll('\u001f', ' ')
