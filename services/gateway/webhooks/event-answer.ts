/**
 * Events of another system on their way into Kafka, and what the sender hears.
 *
 * E1: 2xx only when Kafka has all that was written.
 * E2: what tells of no change is taken and passed over with its reason: a hook that hears errors is
 *     switched off by whoever sends it.
 * E3: of several, the good ones are written whatever the others are, and the answer names the rest.
 *     Refused as a whole is only what has nothing good in it.
 */
import type { Mapping } from '../../../pipelines/intake/events/mapping.ts'
import { quoted, type ProblemField } from '../../shared/problem.ts'
import type { TopicRecords } from '../../telemetry/topic-records.ts'
import type { DoorPorts, Sender } from '../ports.ts'

/** Named in the answer; all are counted. */
const NAMED = 100

export interface EventAnswer {
  readonly status: 'accepted' | 'ignored'
  /** Of the records that are in Kafka now. */
  readonly ids: readonly string[]
  /** Why nothing was written for the others. */
  readonly ignored?: readonly string[]
  readonly rejectedCount?: number
  /** The first of them. */
  readonly rejected?: readonly ProblemField[]
}

export interface EventBatch<Value> {
  readonly sender: Sender
  readonly records: TopicRecords<Value>
  readonly results: readonly Mapping<Value>[]
  readonly sizeBytes: number
}

/** @throws BadInput when there is nothing to take, and something to refuse; Problem */
export const takeEvents = async <Value extends { readonly id: string }>(
  { sender, records, results, sizeBytes }: EventBatch<Value>,
  { intake, ledger, count }: DoorPorts,
): Promise<EventAnswer> => {
  const values = results.flatMap((each) => (each.kind === 'mapped' ? [each.value] : []))
  const faults = results.flatMap((each) => (each.kind === 'refused' ? [each.fault] : []))
  const reasons = results.flatMap((each) => (each.kind === 'ignored' ? [each.reason] : []))
  if (faults.length > 0) count.refused('invalid', faults.length)
  if (reasons.length > 0) count.refused('no-change', reasons.length)
  const [fault] = faults
  if (fault !== undefined && values.length + reasons.length === 0) throw fault
  if (values.length > 0) {
    const appended = await ledger.appendNew(
      intake.open(sender, sizeBytes),
      values.map((value) => ({ id: value.id, record: () => records.borrow(value) })),
    )
    count.accepted(appended)
  }
  return {
    status: values.length > 0 ? 'accepted' : 'ignored',
    ids: values.map(({ id }) => id),
    ...(reasons.length === 0 ? {} : { ignored: [...new Set(reasons)].slice(0, NAMED) }),
    ...(faults.length === 0
      ? {}
      : { rejectedCount: faults.length, rejected: faults.slice(0, NAMED).map(quoted) }),
  }
}
