import process from 'node:process'
import { readKeys } from '../../keys/key-log.ts'
import { withKafka } from '../kafka-session.ts'
import { alignedLines } from '../text-table.ts'
import { keyReport, type KeyReport } from './key-report.ts'

export interface ListKeysOptions {
  readonly tenant?: string
  readonly all?: boolean
  readonly json?: boolean
}

export const runListKeys = ({
  tenant,
  all = false,
  json = false,
}: ListKeysOptions): Promise<void> =>
  withKafka(async (servers) => {
    const nowMs = Date.now()
    const keys = (await readKeys(servers))
      .map((known) => keyReport(known, nowMs))
      .filter((key) => (all || key.state === 'active') && (tenant ?? key.tenant) === key.tenant)
    process.stdout.write(json ? `${JSON.stringify({ keys })}\n` : tableOf(keys))
  })

const HEAD = [
  'ID',
  'TENANT',
  'STATE',
  'ROLES',
  'KINDS',
  'EXPIRES',
  'CREATED',
  'BY',
  'NAME',
] as const

const tableOf = (keys: readonly KeyReport[]): string => {
  const rows = [HEAD, ...keys.map(rowOf)]
  return `${alignedLines(rows).join('\n')}\n`
}

const rowOf = (key: KeyReport): string[] => [
  key.id,
  key.tenant,
  key.state,
  key.roles.join(',') || '-',
  key.kinds.join(',') || '-',
  key.expires ?? 'never',
  key.created,
  key.createdBy,
  key.name,
]
