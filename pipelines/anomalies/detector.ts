/**
 * What a detector is: one file in `detectors/` that knows what a series usually does and how far
 * out a value is. It judges; it does not decide. Direction, minimum changes, warm-up and episodes
 * are the same for all and live outside (judge.ts, episode.ts).
 *
 * D1: `measure` looks at what was learned from EARLIER points only; `learn` comes after it.
 * D2: all that a detector remembers is in its memory, so a restart changes nothing.
 * D3: no allocation per point: results go into a Judgement that is used again.
 */

import type { Evidence, Severity } from '../../schemas/generated/signals-anomalies.ts'
import type { Ring, RowView } from '../runtime/index.ts'

export type Direction = 'up' | 'down' | 'both'

/** Ascending; the position of a severity is its rank. */
export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const satisfies Severity[]

/** Scores that must be passed (strictly) for each severity; by rank, Infinity for never. */
export type Thresholds = readonly [low: number, medium: number, high: number, critical: number]

/** What a detector may remember of a series: numbers under names of its own, the last samples. */
export interface Memory<Field extends string> {
  readonly series: RowView<Field>
  readonly recent: Ring
}

/** How the last point stands to what was learned before it. */
export interface Judgement {
  value: number
  expected: number
  /** Learned spread in the unit of the value. */
  spread: number
  /** The band: values in it raise no alarm. */
  lower: number
  upper: number
  /** How far out the value is, in the measure of the detector. Finite. */
  score: number
  /** Points the verdict rests on. */
  samples: number
  /** 1 above what is expected, -1 below. */
  side: 1 | -1
  /** The series never changed before. */
  constant: boolean
  /** Rank of the severity, or NORMAL, or NOT_JUDGED. */
  rank: number
}

export const NORMAL = -1
export const NOT_JUDGED = -2

/** Scores end here, so that they stay finite. */
export const MAX_SCORE = 1e9

export const emptyJudgement = (): Judgement => ({
  value: 0,
  expected: 0,
  spread: 0,
  lower: 0,
  upper: 0,
  score: 0,
  samples: 0,
  side: 1,
  constant: false,
  rank: NOT_JUDGED,
})

/** The part of a rule that a detector needs (see settings.ts). */
export interface DetectorSettings {
  /** Scaled by the sensitivity. */
  readonly thresholds: Thresholds
  /** The lowest of them: what raises an alarm at all. */
  readonly alertScore: number
}

export interface Detector<Field extends string> {
  readonly name: string
  /** Rises when the formula changes. */
  readonly version: number
  /** Stands for the detector in the state; never to be given to another one. */
  readonly code: number
  /** At sensitivity 1. */
  readonly thresholds: Thresholds
  readonly direction: Direction
  /** What a threshold becomes at a sensitivity. */
  scaled(threshold: number, sensitivity: number): number
  /** Points learned so far, as far as they are still remembered. */
  samples(memory: Memory<Field>): number
  /**
   * Fills expected, spread, band, score, side and constant for `judgement.value`. False when there
   * is no basis for a verdict.
   */
  measure(memory: Memory<Field>, judgement: Judgement, settings: DetectorSettings): boolean
  /** Learns the value of the judgement; its band and rank say how much to trust it. */
  learn(memory: Memory<Field>, judgement: Judgement): void
  /** Back to knowing nothing. */
  forget(memory: Memory<Field>): void
  /** The numbers behind a judgement. */
  evidence(judgement: Judgement): Evidence[]
  /** For people, between the value and the expected one: `4.2 standard deviations above its usual`. */
  comparison(judgement: Judgement): string
}
