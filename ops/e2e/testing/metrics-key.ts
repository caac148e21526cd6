/** A key that writes metrics of one tenant, made as operators make it. */
import { fileURLToPath } from 'node:url'
import { runProgram } from './program.ts'

const MAIN = fileURLToPath(new URL('../../../services/cli/main.ts', import.meta.url))

export const metricsKey = async (
  tenant: string,
  environment: Readonly<Record<string, string>>,
): Promise<string> => {
  const words = ['keys', 'create', '--name', 'prometheus', '--tenant', tenant, '--kinds', 'metrics']
  const { out } = await runProgram(process.execPath, [MAIN, ...words, '--json'], { environment })
  return (JSON.parse(out.toString()) as { key: string }).key
}
