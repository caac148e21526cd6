/** `millrace service NAME`: a service is a folder of services/ whose main.ts exports `run(): Promise<exit code>`. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { EXIT } from '../../shared/errors.ts'
import { CliError } from '../cli-error.ts'
import { setExitCode } from '../exit-code.ts'

const services = fileURLToPath(new URL('../..', import.meta.url))

const mainOf = (name: string): string => join(services, name, 'main.ts')

/** The CLI's own folder has a main.ts, too. */
export const isService = (name: string): boolean =>
  /^[a-z][a-z0-9-]*$/.test(name) && name !== 'cli' && existsSync(mainOf(name))

export const serviceNames = (): readonly string[] => readdirSync(services).filter(isService).sort()

export const runNamedService = async (name: string): Promise<void> => {
  if (!isService(name)) {
    throw new CliError(
      `There is no service ${name}; there are: ${serviceNames().join(', ') || 'none'}.`,
      EXIT.usage,
    )
  }
  const module = (await import(mainOf(name))) as { run?: unknown }
  if (typeof module.run !== 'function')
    throw new Error(`services/${name}/main.ts exports no run().`)
  const run = module.run as () => Promise<unknown>
  const code = await run()
  setExitCode(typeof code === 'number' ? code : EXIT.done)
}
