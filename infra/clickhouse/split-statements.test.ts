import { expect, it } from 'vitest'
import { splitStatements } from './split-statements.ts'

it.each([
  { title: 'two statements', sql: 'SELECT 1; SELECT 2', parts: ['SELECT 1', 'SELECT 2'] },
  { title: 'a last semicolon', sql: 'SELECT 1;\n', parts: ['SELECT 1'] },
  { title: 'nothing', sql: ' ;; \n', parts: [] },
  { title: 'only a comment', sql: '-- SELECT 1; SELECT 2', parts: [] },
  { title: 'a string', sql: "SELECT 'a;b'; SELECT 2", parts: ["SELECT 'a;b'", 'SELECT 2'] },
  { title: 'an escaped quote', sql: "SELECT 'a\\';b'; X", parts: ["SELECT 'a\\';b'", 'X'] },
  { title: 'a doubled quote', sql: "SELECT 'a'';b'; X", parts: ["SELECT 'a'';b'", 'X'] },
  { title: 'a last backslash', sql: "SELECT 'a\\\\'; X", parts: ["SELECT 'a\\\\'", 'X'] },
  {
    title: 'a quoted identifier',
    sql: 'SELECT `a;b`, "c;d"; X',
    parts: ['SELECT `a;b`, "c;d"', 'X'],
  },
  { title: 'a line comment', sql: 'SELECT 1 -- a;b\n, 2; X', parts: ['SELECT 1 -- a;b\n, 2', 'X'] },
  { title: 'a hash comment', sql: 'SELECT 1 # a;b\n; X', parts: ['SELECT 1 # a;b', 'X'] },
  { title: 'a block comment', sql: 'SELECT /* a;b */ 1; X', parts: ['SELECT /* a;b */ 1', 'X'] },
  { title: 'a heredoc', sql: 'SELECT $x$ a;$y$ b $x$; X', parts: ['SELECT $x$ a;$y$ b $x$', 'X'] },
  {
    title: 'an apostrophe in a comment',
    sql: "-- don't\nSELECT 1; X",
    parts: ["-- don't\nSELECT 1", 'X'],
  },
  { title: 'a dash that is a minus', sql: 'SELECT 1 - 2; X', parts: ['SELECT 1 - 2', 'X'] },
])('$title', ({ sql, parts }) => {
  expect(splitStatements(sql)).toEqual(parts)
})
