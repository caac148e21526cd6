/** `millrace setup` = `npm run setup`: the same script, as it runs before there is a CLI. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

import { setExitCode } from '../exit-code.ts'

export const runSetup = async (): Promise<void> => {
  const script = fileURLToPath(new URL('../../../infra/setup/bootstrap.mjs', import.meta.url))
  const child = spawn(process.execPath, [script, 'setup'], { stdio: 'inherit' })
  const [code] = (await once(child, 'exit')) as [number | null]
  setExitCode(code ?? 1)
}
