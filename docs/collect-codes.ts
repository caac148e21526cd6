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

/** Codes that stand where an error is made, with the name of its class. */
const usedBy = (node: ts.Node, file: ts.SourceFile): Use[] => {
  if (!ts.isNewExpression(node)) return []
  const errorClass = node.expression.getText(file)
  if (!errorClass.endsWith('Error')) return []
  return codeArgument(node)
    .filter((code) => ERROR_CODE.test(code))
    .map((code) => ({ code, errorClass }))
}

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

interface Use {
  readonly code: string
  readonly errorClass: string
}

interface FileCodes {
  readonly declared: readonly string[]
  readonly used: readonly Use[]
}

const codesIn = (path: string): FileCodes => {
  const text = readFileSync(join(root, path), 'utf8')
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2024, true)
  const declared: string[] = []
  const used: Use[] = []
  const visit = (node: ts.Node): void => {
    declared.push(...declaredBy(node, file))
    used.push(...usedBy(node, file))
    ts.forEachChild(node, visit)
  }
  visit(file)
  return { declared, used }
}

type OwnersByCode = Map<string, Set<string>>

const note = (owners: OwnersByCode, code: string, owner: string): void => {
  owners.set(code, (owners.get(code) ?? new Set()).add(owner))
}

/**
 * Every code of the source, with the rooms that declare it. A code that is in no list belongs to
 * the error classes that it is given to.
 */
export const collectCodes = (): ReadonlyMap<string, ReadonlySet<string>> => {
  const declared: OwnersByCode = new Map()
  const used: OwnersByCode = new Map()
  const files = globSync(SOURCES, { cwd: root }).filter((path) => !NOT_SOURCE.test(path))
  for (const path of files.sort()) {
    const codes = codesIn(path)
    for (const code of codes.declared) note(declared, code, roomOf(path))
    for (const { code, errorClass } of codes.used) note(used, code, errorClass)
  }
  return new Map([...used, ...declared])
}
