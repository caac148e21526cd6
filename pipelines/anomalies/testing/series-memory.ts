/** A series' memory on the production stores, for tests of detectors alone. */

import { RingStore } from '../../runtime/stores/ring-store.ts'
import { RowTable } from '../../runtime/stores/row-table.ts'
import { emptyJudgement, type Judgement, type Memory } from '../detector.ts'
import { memoryFields, type AnyDetector, type MemoryField } from '../detectors.ts'
import { judge } from '../judge.ts'
import { ruleSetOf, type Rule, type RuleSettings } from '../settings.ts'

export type WatchingRule = Rule & { readonly detector: AnyDetector }

export const emptyMemory = (): Memory<MemoryField> => {
  const table = new RowTable<MemoryField>(memoryFields)
  const recent = new RingStore({ name: 'recent', capacity: 1_000 })
  table.create(0)
  table.select(0)
  recent.create(0)
  recent.select(0)
  return { series: table.row, recent }
}

export const ruleFrom = (settings: RuleSettings): WatchingRule => {
  const rule = ruleSetOf({ rules: [settings] }, { rules: [] }, 1).rules[0]!
  if (rule.detector === undefined) throw new Error('This rule watches nothing')
  return rule as WatchingRule
}

export const judgementOf = (
  memory: Memory<MemoryField>,
  value: number,
  rule: WatchingRule,
): Judgement => {
  const judgement = emptyJudgement()
  judge(memory, value, rule, judgement)
  return judgement
}

/** Judges and learns each value; gives the judgements. */
export const feed = (
  memory: Memory<MemoryField>,
  values: readonly number[],
  rule: WatchingRule,
): Judgement[] =>
  values.map((value) => {
    const judgement = judgementOf(memory, value, rule)
    rule.detector.learn(memory, judgement)
    return judgement
  })
