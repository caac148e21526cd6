/**
 * Where commands find their servers: in the environment, else on the running local stack.
 *
 * L1: a server of which the environment says anything is found by the environment alone. Nothing is
 *     mixed: the stack's password goes to the stack's ClickHouse and nowhere else.
 */
import {
  environmentOf,
  isAlive,
  layoutOf,
  readStackState,
  serverSettings,
} from '../../infra/local/index.ts'
import { EXIT } from '../shared/errors.ts'
import { CliError } from './cli-error.ts'

export const DEFAULT_DATA = '.millrace'

type Variables = Readonly<Record<string, string | undefined>>

/** What the stack adds to `environment`; empty counts as unset there, as everywhere. */
export const stackVariablesFor = (
  environment: Variables,
  stack: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> => {
  const isSet = (name: string): boolean => (environment[name] ?? '') !== ''
  const added = Object.values(serverSettings)
    .filter((names) => !names.some(isSet))
    .flat()
    .flatMap((name) => {
      const value = stack[name] ?? ''
      return value === '' ? [] : [[name, value] as const]
    })
  return Object.fromEntries(added)
}

/**
 * `dataDir` as the user gave it, if at all: then its stack has to run.
 *
 * @throws CliError when it does not
 */
export const localStackVariables = (
  environment: Variables,
  dataDir: string | undefined,
): Readonly<Record<string, string>> => {
  const layout = layoutOf(dataDir ?? DEFAULT_DATA)
  const state = readStackState(layout)
  if (state !== undefined && isAlive(state)) {
    return stackVariablesFor(environment, environmentOf(layout, state.ports))
  }
  if (dataDir === undefined) return {}
  throw new CliError(
    `No stack runs in ${layout.root}. \`npm start -- --data ${dataDir}\` starts it; without --data the environment says where the servers are.`,
    EXIT.unreachable,
  )
}
