/** Finds a Java that Kafka and the registry run on: JAVA_HOME, then PATH, then the one that Maven itself uses. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { StackError } from './errors.ts'

const run = promisify(execFile)

export const minJavaMajor = 17

/** `openjdk version "17.0.15"`, and the old `"1.8.0_402"` = 8. */
export const javaMajor = (versionOutput: string): number | undefined => {
  const match = /version "(?:1\.)?(\d+)/.exec(versionOutput)
  return match?.[1] === undefined ? undefined : Number(match[1])
}

/** A Java that is new enough. */
export interface Java {
  readonly command: string
  /** All that `java -version` says: it names the build. */
  readonly version: string
}

const inspect = async (command: string): Promise<Java | undefined> => {
  try {
    const { stdout, stderr } = await run(command, ['-version'], { timeout: 20_000 })
    const version = stderr + stdout
    return (javaMajor(version) ?? 0) >= minJavaMajor ? { command, version } : undefined
  } catch {
    return undefined
  }
}

const mavenJava = async (): Promise<string | undefined> => {
  try {
    const { stdout } = await run('mvn', ['-v'], { timeout: 30_000 })
    const home = /(?:runtime|Java home): (.+)$/m.exec(stdout)?.[1]?.trim()
    return home === undefined ? undefined : join(home, 'bin', 'java')
  } catch {
    return undefined
  }
}

export const inspectJava = async (javaHome = process.env['JAVA_HOME']): Promise<Java> => {
  const candidates = [
    ...(javaHome === undefined || javaHome === '' ? [] : [join(javaHome, 'bin', 'java')]),
    'java',
  ]
  for (const command of candidates) {
    const java = await inspect(command)
    if (java !== undefined) return java
  }
  const last = await mavenJava()
  const java = last === undefined ? undefined : await inspect(last)
  if (java !== undefined) return java
  throw new StackError(
    'TOOL_MISSING',
    `No Java ${String(minJavaMajor)} or newer was found in JAVA_HOME or PATH; install one (Debian, Ubuntu: sudo apt-get install openjdk-17-jre-headless; macOS: brew install openjdk).`,
  )
}

export const findJava = async (): Promise<string> => (await inspectJava()).command
