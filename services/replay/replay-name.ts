/** What a replay is called, and whose tenant it writes to. */
import { randomBytes } from 'node:crypto'
import { ReplayError } from './replay-error.ts'

export interface ReplayNames {
  readonly tenant: string
  readonly origin: string
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

export const replayNames = (given: {
  readonly name?: string | undefined
  readonly tenant?: string | undefined
  readonly nowMs: number
}): ReplayNames => {
  const { name = uniqueName(given.nowMs), tenant = `replay-${name}` } = given
  for (const [option, value] of [['--name', name] as const, ['--tenant', tenant] as const]) {
    if (NAME.test(value)) continue
    throw new ReplayError(
      'REPLAY_NAME_INVALID',
      `${option} is '${value}'; use up to 100 letters, digits, dots, dashes and underscores.`,
    )
  }
  return { tenant, origin: `replay-${name}` }
}

/** Sorts by time and tells two replays of one second apart: `20240501-101500-3fa9`. */
const uniqueName = (nowMs: number): string => {
  const [date = '', time = ''] = new Date(nowMs).toISOString().split('T')
  const stamp = `${date.replaceAll('-', '')}-${time.slice(0, 8).replaceAll(':', '')}`
  return `${stamp}-${randomBytes(2).toString('hex')}`
}
