import process from 'node:process'
import { publishKey } from '../../keys/key-log.ts'
import { newKey } from '../../keys/key-request.ts'
import { withKafka } from '../kafka-session.ts'
import { actorHere, keyReport } from './key-report.ts'

export interface CreateKeyOptions {
  readonly name: string
  readonly tenant: string
  readonly roles?: string
  readonly kinds?: string
  readonly expires: string
  readonly reason?: string
  readonly json?: boolean
}

export const runCreateKey = async ({ json = false, ...asked }: CreateKeyOptions): Promise<void> => {
  const { entry, key } = newKey({ ...asked, actor: actorHere() }, Date.now())
  await withKafka((servers) => publishKey(entry, servers))
  const report = keyReport({ latest: entry, created: entry }, Date.now())
  if (json) {
    process.stdout.write(`${JSON.stringify({ ...report, key: key.reveal() })}\n`)
    return
  }
  process.stderr.write(`Key ${entry.id} of tenant ${entry.tenant}; it is not shown again:\n`)
  process.stdout.write(`${key.reveal()}\n`)
}
