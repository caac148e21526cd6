/** A program of a Debian package: the machine's own, else unpacked into a temporary folder. Nothing is installed, no service is started. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { answerOf, runProgram } from './program.ts'

export interface DebianProgram {
  readonly program: string
  readonly remove: () => void
}

export interface DebianProgramNeeds {
  readonly package: string
  /** In /usr/bin. */
  readonly program: string
}

/** Or why there is none. */
export const debianProgram = async ({
  package: name,
  program,
}: DebianProgramNeeds): Promise<DebianProgram | string> => {
  if (answerOf(program, ['--version']) !== undefined) return { program, remove: () => undefined }
  if (answerOf('apt-get', ['--version']) === undefined)
    return `there is neither ${program} nor apt-get`
  const folder = mkdtempSync(join(tmpdir(), `millrace-${name}-`))
  const remove = (): void => {
    rmSync(folder, { recursive: true, force: true })
  }
  const download = `cd "$0" && apt-get download -q -o APT::Sandbox::User=root "$1"`
  const fetched = await runProgram('sh', ['-c', download, folder, name])
  const file = readdirSync(folder).find((each) => each.endsWith('.deb'))
  if (fetched.code !== 0 || file === undefined) {
    remove()
    return `\`apt-get download ${name}\` failed: ${fetched.err.trim().slice(-300)}`
  }
  const unpacked = await runProgram('dpkg-deb', ['-x', join(folder, file), folder])
  const path = join(folder, 'usr/bin', program)
  if (unpacked.code === 0 && answerOf(path, ['--version']) !== undefined) {
    return { program: path, remove }
  }
  remove()
  return `${program} of ${file} does not run: ${unpacked.err.trim().slice(-300)}`
}
