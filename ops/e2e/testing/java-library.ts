/** A Java library with all that it needs, as Maven brings it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { answerOf, runProgram } from './program.ts'

export interface JavaLibrary {
  /** For `java -cp`. */
  readonly classPath: string
  readonly remove: () => void
}

export interface JavaCoordinates {
  readonly group: string
  readonly artifact: string
  readonly version: string
}

const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'

/** Or why there is none. */
export const javaLibrary = async ({
  group,
  artifact,
  version,
}: JavaCoordinates): Promise<JavaLibrary | string> => {
  if (answerOf('java', ['--version']) === undefined) return 'there is no java'
  if (answerOf('mvn', ['--version']) === undefined) return 'there is no mvn'
  const folder = mkdtempSync(join(tmpdir(), 'millrace-java-'))
  const remove = (): void => {
    rmSync(folder, { recursive: true, force: true })
  }
  const pom = join(folder, 'pom.xml')
  writeFileSync(
    pom,
    `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
     <groupId>millrace</groupId><artifactId>e2e</artifactId><version>1</version><packaging>pom</packaging>
     <dependencies><dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId>
     <version>${version}</version></dependency></dependencies></project>`,
  )
  const args = ['-q', '-B', '-f', pom, COPY, `-DoutputDirectory=${join(folder, 'lib')}`]
  const { code, out } = await runProgram('mvn', args)
  if (code === 0) return { classPath: join(folder, 'lib', '*'), remove }
  remove()
  return `\`mvn\` does not bring ${artifact} ${version}: ${out.toString().trim().slice(-300)}`
}
