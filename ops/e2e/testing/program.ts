/** Other people's programs: whether they are there, and what they say when they run. */
import { spawn, spawnSync } from 'node:child_process'
import { buffer, text } from 'node:stream/consumers'

export interface ProgramOutcome {
  readonly code: number | null
  /** It may be binary. */
  readonly out: Buffer
  readonly err: string
}

export interface RunOptions {
  readonly environment?: Readonly<Record<string, string>>
  readonly input?: string | Buffer
}

export const runProgram = async (
  program: string,
  args: readonly string[],
  { environment = {}, input = '' }: RunOptions = {},
): Promise<ProgramOutcome> => {
  const child = spawn(program, args, { env: { ...process.env, ...environment } })
  child.stdin.on('error', () => undefined) // it may end before it has read everything
  child.stdin.end(input)
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve)
  })
  const [out, err, code] = await Promise.all([buffer(child.stdout), text(child.stderr), ended])
  return { code, out, err }
}

/** What the program answers to such a question; undefined where it is not to be had. */
export const answerOf = (program: string, args: readonly string[]): string | undefined => {
  const { error, status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  return error === undefined && status === 0 ? `${stdout}${stderr}`.trim() : undefined
}
