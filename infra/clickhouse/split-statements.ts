/**
 * Cuts a migration into its statements, as ClickHouse's own lexer would: a semicolon inside a
 * string, a quoted identifier, a comment or a heredoc ends nothing. Comments stay in the text,
 * pieces without any token but comments are left out.
 */
interface Piece {
  readonly end: number
  readonly isCode: boolean
}

const quotes = new Set(["'", '"', '`'])
const heredocTag = /\$\w*\$/y

/** End of a quoted text: a backslash escapes the next character, a doubled quote is one quote. */
const endOfQuoted = (sql: string, start: number): number => {
  const quote = sql[start]
  let at = start + 1
  while (at < sql.length) {
    if (sql[at] === '\\') at += 2
    else if (sql[at] !== quote) at += 1
    else if (sql[at + 1] === quote) at += 2
    else return at + 1
  }
  return sql.length
}

const endOf = (sql: string, terminator: string, from: number): number => {
  const found = sql.indexOf(terminator, from)
  return found === -1 ? sql.length : found + terminator.length
}

const startsLineComment = (sql: string, at: number): boolean =>
  sql.startsWith('--', at) || sql.startsWith('# ', at) || sql.startsWith('#!', at)

/** The token, comment or white space that begins at `at`. */
const pieceAt = (sql: string, at: number): Piece => {
  const char = sql[at] ?? ''
  if (startsLineComment(sql, at)) return { end: endOf(sql, '\n', at), isCode: false }
  if (sql.startsWith('/*', at)) return { end: endOf(sql, '*/', at + 2), isCode: false }
  if (quotes.has(char)) return { end: endOfQuoted(sql, at), isCode: true }
  heredocTag.lastIndex = at
  const tag = char === '$' ? heredocTag.exec(sql)?.[0] : undefined
  if (tag !== undefined) return { end: endOf(sql, tag, at + tag.length), isCode: true }
  return { end: at + 1, isCode: char.trim() !== '' }
}

export const splitStatements = (sql: string): string[] => {
  const statements: string[] = []
  let start = 0
  let hasCode = false
  const finish = (end: number): void => {
    if (hasCode) statements.push(sql.slice(start, end).trim())
    hasCode = false
  }
  let at = 0
  while (at < sql.length) {
    if (sql[at] === ';') {
      finish(at)
      at += 1
      start = at
      continue
    }
    const piece = pieceAt(sql, at)
    hasCode ||= piece.isCode
    at = piece.end
  }
  finish(sql.length)
  return statements
}
