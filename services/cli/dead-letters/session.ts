/** The cluster a `dlq` command works on. */
import { KafkaAdmin } from '../../../pipelines/runtime/kafka/index.ts'
import { holdsForeignBytes } from '../../records/record-line.ts'
import { usageError } from '../../shared/errors.ts'
import { withKafka, type KafkaSession } from '../kafka-session.ts'

export interface DlqSession extends KafkaSession {
  readonly admin: KafkaAdmin
}

export const withDlqSession = (work: (session: DlqSession) => Promise<void>): Promise<void> =>
  withKafka((session) => work({ ...session, admin: new KafkaAdmin(session.cluster) }))

/** Other topics have no letters; reading them for such would be a misunderstanding. */
export const assertHoldsLetters = (topic: string): void => {
  if (holdsForeignBytes(topic)) return
  throw usageError(
    `'${topic}' is no dead-letter or late topic; \`millrace dlq list\` shows which there are.`,
  )
}
