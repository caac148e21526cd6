/** The tools of the machine that the set-up needs: found, new enough, or named with the line that installs them. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import process from 'node:process'

import { SetupError } from './say.mjs'

/** Wrong or missing tools are a matter of the machine's configuration. */
const usageExitCode = 2

const installLines = {
  node: {
    debian: 'sudo apt-get install nodejs npm   (Node 18 or newer: https://nodejs.org/en/download)',
    macos: 'brew install node',
  },
  npm: { debian: 'sudo apt-get install npm', macos: 'brew install node' },
  mvn: { debian: 'sudo apt-get install maven', macos: 'brew install maven' },
  java: { debian: 'sudo apt-get install openjdk-17-jre-headless', macos: 'brew install openjdk' },
}

export const toolProblem = (tool, fact) => {
  const lines = installLines[tool]
  const install =
    process.platform === 'darwin'
      ? `  ${lines.macos}`
      : `  Debian, Ubuntu:  ${lines.debian}\n  macOS:           ${lines.macos}`
  return new SetupError(`${fact}. Install it with:\n${install}`, usageExitCode)
}

/** `a.b.c` as numbers; undefined when there is none in the text. */
export const versionIn = (text, pattern) => {
  const match = pattern.exec(text)
  return match === null ? undefined : match[1].split('.').map(Number)
}

export const atLeast = (version, minimum) => {
  for (let i = 0; i < minimum.length; i++) {
    const part = version[i] ?? 0
    if (part !== minimum[i]) return part > minimum[i]
  }
  return true
}

const outputOf = (command, args) => {
  const result = spawnSync(command, args, { encoding: 'utf8', timeout: 60_000 })
  if (result.error !== undefined || result.status !== 0) return undefined
  // Maven colours even what is piped.
  // eslint-disable-next-line no-control-regex
  return `${result.stdout}${result.stderr}`.replace(/\x1b\[[0-9;]*m/g, '')
}

export const assertNode = () => {
  const version = process.versions.node.split('.').map(Number)
  if (!atLeast(version, [18])) {
    throw toolProblem(
      'node',
      `Node ${process.versions.node} is too old: the set-up needs 18 or newer`,
    )
  }
}

/** How to call npm: the one that runs us, if it does, else the one in PATH. */
export const findNpm = () => {
  const own = process.env.npm_execpath
  if (own !== undefined && basename(own) === 'npm-cli.js' && existsSync(own)) {
    return { command: process.execPath, args: [own] }
  }
  if (outputOf('npm', ['--version']) === undefined)
    throw toolProblem('npm', 'npm was not found in PATH')
  return { command: 'npm', args: [] }
}

const minMaven = [3, 6, 3] // what the dependency plugin asks for
const minJava = 17

const javaVersion = (java) => {
  const text = outputOf(java, ['-version'])
  return text === undefined ? undefined : versionIn(text, /version "(?:1\.)?(\d+)/)?.[0]
}

/** Checks Maven and the Java below it; answers nothing. */
export const assertMaven = () => {
  const text = outputOf('mvn', ['-v'])
  if (text === undefined) {
    // Maven without any Java fails as well: say what is really missing.
    const java = javaVersion('java')
    const found = spawnSync('mvn', ['-v']).error === undefined
    if (found && java === undefined)
      throw toolProblem('java', 'Maven is there, but no Java was found')
    throw toolProblem('mvn', 'Maven (mvn) was not found in PATH')
  }
  const maven = versionIn(text, /Apache Maven (\d+(?:\.\d+)*)/)
  if (maven !== undefined && !atLeast(maven, minMaven)) {
    throw toolProblem(
      'mvn',
      `Maven ${maven.join('.')} is too old: ${minMaven.join('.')} or newer is needed`,
    )
  }
  const ofMaven = versionIn(text, /Java version: (?:1\.)?(\d+)/)?.[0] ?? 0
  const best = Math.max(ofMaven, javaVersion('java') ?? 0)
  if (best < minJava) {
    throw toolProblem(
      'java',
      `Java ${best} is too old: Kafka and the registry need ${minJava} or newer`,
    )
  }
}
