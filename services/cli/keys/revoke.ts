import process from 'node:process'
import { publishKey, readKeys } from '../../keys/key-log.ts'
import { CliError } from '../cli-error.ts'
import { withKafka } from '../kafka-session.ts'
import { actorHere, keyReport } from './key-report.ts'

export interface RevokeKeyOptions {
  readonly reason?: string
  readonly json?: boolean
}

/** Whoever pastes the whole key gets it revoked, and its secret is not repeated. */
const idIn = (text: string): string => /^mlr_([0-9a-f]{12})_/.exec(text)?.[1] ?? text

export const runRevokeKey = (
  given: string,
  { reason, json = false }: RevokeKeyOptions,
): Promise<void> =>
  withKafka(async (servers) => {
    const id = idIn(given)
    const known = (await readKeys(servers)).find(({ latest }) => latest.id === id)
    if (known === undefined) {
      throw new CliError(`There is no key ${id}; \`millrace keys list --all\` shows all of them.`)
    }
    const isRevoked = known.latest.state === 'revoked'
    const change = { timestamp: Date.now(), actor: actorHere(), reason: reason ?? null }
    const latest = isRevoked ? known.latest : { ...known.latest, ...change, state: 'revoked' }
    if (!isRevoked) await publishKey(latest, servers)
    const report = keyReport({ ...known, latest }, Date.now())
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`)
    else
      process.stderr.write(`Key ${id} (${latest.name}) is revoked since ${report.revoked ?? ''}.\n`)
  })
