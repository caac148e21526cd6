/** A Python that has the packages an example asks for. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { answerOf, runProgram } from './program.ts'

export interface Python {
  readonly program: string
  readonly remove: () => void
}

export interface PythonNeeds {
  /** As pip installs them. */
  readonly packages: readonly string[]
  /** Tells whether they are there. */
  readonly module: string
}

/** The machine's own where it has them, else one in a temporary folder; or why there is none. */
export const pythonWith = async ({ packages, module }: PythonNeeds): Promise<Python | string> => {
  if (answerOf('python3', ['--version']) === undefined) return 'there is no python3'
  if (answerOf('python3', ['-c', `import ${module}`]) !== undefined) {
    return { program: 'python3', remove: () => undefined }
  }
  const folder = mkdtempSync(join(tmpdir(), 'millrace-python-'))
  const remove = () => {
    rmSync(folder, { recursive: true, force: true })
  }
  const program = join(folder, 'bin', 'python3')
  const steps: readonly [string, readonly string[]][] = [
    ['python3', ['-m', 'venv', folder]],
    [
      program,
      ['-m', 'pip', 'install', '--quiet', '--retries', '1', '--timeout', '20', ...packages],
    ],
  ]
  for (const [step, args] of steps) {
    const { code, out, err } = await runProgram(step, args)
    if (code === 0) continue
    remove()
    return `\`${[step, ...args].join(' ')}\` failed: ${(err || out.toString()).trim().slice(-500)}`
  }
  return { program, remove }
}
