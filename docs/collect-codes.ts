/**
 * Collects error and reason codes from the source, by its syntax alone:
 *
 * - the members of every type whose name ends in `Code` (string literals; `keyof typeof list`),
 * - the elements or keys of every constant whose name ends in `_CODES`,
 * - the code that stands as a literal in `new XError('CODE', ...)` or `new XError({ code: 'CODE' })`.
 */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const SOURCES = '{schemas,pipelines,services,infra}/**/*.ts'
const NOT_SOURCE = /\.test\.ts$|\/testing\/|\/generated\/|\.d\.ts$/
const ERROR_CODE = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/

/** The folder a code belongs to: `pipelines/runtime/kafka`, `services/api`. */
const roomOf = (path: string): string => dirname(path).split('/').slice(0, 3).join('/')

const stringsIn = (node: ts.Node, file: ts.SourceFile): string[] => {
  if (ts.isStringLiteralLike(node)) return [node.text]
  if (ts.isLiteralTypeNode(node)) return stringsIn(node.literal, file)
  if (ts.isUnionTypeNode(node)) return node.types.flatMap((type) => stringsIn(type, file))
  if (ts.isAsExpression(node) || ts.isSatisfiesExpression(node)) {
    return stringsIn(node.expression, file)
  }
  if (ts.isArrayLiteralExpression(node)) {
    return node.elements.flatMap((element) => stringsIn(element, file))
  }
  if (ts.isObjectLiteralExpression(node)) return keysOf(node)
  // keyof typeof list
  if (ts.isTypeOperatorNode(node) && ts.isTypeQueryNode(node.type)) {
    const list = constantNamed(node.type.exprName.getText(file), file)
    return list ? stringsIn(list, file) : []
  }
  return []
}

const keysOf = (node: ts.ObjectLiteralExpression): string[] =>
  node.properties.flatMap(({ name }) =>
    name && (ts.isIdentifier(name) || ts.isStringLiteral(name)) ? [name.text] : [],
  )

const constantNamed = (name: string, file: ts.SourceFile): ts.Expression | undefined =>
  file.statements
    .filter((statement) => ts.isVariableStatement(statement))
    .flatMap((statement) => [...statement.declarationList.declarations])
    .find((declaration) => declaration.name.getText(file) === name)?.initializer

const declaredBy = (node: ts.Node, file: ts.SourceFile): string[] => {
  if (ts.isTypeAliasDeclaration(node) && /Code$/.test(node.name.text)) {
    return stringsIn(node.type, file)
  }
  if (ts.isVariableDeclaration(node) && /_CODES$/.test(node.name.getText(file))) {
    return node.initializer ? stringsIn(node.initializer, file) : []
  }
  return []
}

const usedBy = (node: ts.Node, file: ts.SourceFile): string[] =>
  ts.isNewExpression(node) && /Error$/.test(node.expression.getText(file))
    ? codeArgument(node).filter((code) => ERROR_CODE.test(code))
    : []

const codeArgument = ({ arguments: given }: ts.NewExpression): string[] => {
  const first = given?.[0]
  if (!first) return []
  if (ts.isStringLiteralLike(first)) return [first.text]
  if (!ts.isObjectLiteralExpression(first)) return []
  return first.properties.flatMap((property) =>
    ts.isPropertyAssignment(property) &&
    ts.isIdentifier(property.name) &&
    property.name.text === 'code' &&
    ts.isStringLiteralLike(property.initializer)
      ? [property.initializer.text]
      : [],
  )
}

interface FileCodes {
  readonly declared: readonly string[]
  readonly used: readonly string[]
}

const codesIn = (path: string): FileCodes => {
  const text = readFileSync(join(root, path), 'utf8')
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2024, true)
  const declared: string[] = []
  const used: string[] = []
  const visit = (node: ts.Node): void => {
    declared.push(...declaredBy(node, file))
    used.push(...usedBy(node, file))
    ts.forEachChild(node, visit)
  }
  visit(file)
  return { declared, used }
}

type RoomsByCode = Map<string, Set<string>>

const note = (rooms: RoomsByCode, codes: readonly string[], path: string): void => {
  for (const code of codes) rooms.set(code, (rooms.get(code) ?? new Set()).add(roomOf(path)))
}

/**
 * Every code of the source, with the rooms that declare it. A code that is in no list counts for
 * the rooms that use it.
 */
export const collectCodes = (): ReadonlyMap<string, ReadonlySet<string>> => {
  const declared: RoomsByCode = new Map()
  const used: RoomsByCode = new Map()
  const files = globSync(SOURCES, { cwd: root }).filter((path) => !NOT_SOURCE.test(path))
  for (const path of files.sort()) {
    const codes = codesIn(path)
    note(declared, codes.declared, path)
    note(used, codes.used, path)
  }
  return new Map([...used, ...declared])
}
