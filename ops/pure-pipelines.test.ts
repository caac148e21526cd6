/** Rule L1 of eslint.config.js bites: nothing under pipelines/ reads a clock, chance or the world. */
import { ESLint, Linter } from 'eslint'
import tseslint from 'typescript-eslint'
import { beforeAll, describe, expect, it } from 'vitest'

const RULES = [
  ...['no-restricted-properties', 'no-restricted-globals'],
  ...['no-restricted-syntax', 'no-restricted-imports'],
]
const PURE = 'pipelines/anomalies/some.ts'
const FILES = [PURE, 'pipelines/runtime/task/some.ts', 'pipelines/runtime/kafka/some.ts'] as const
const linter = new Linter()
const rulesOf = new Map<string, Linter.RulesRecord>()

beforeAll(async () => {
  const eslint = new ESLint()
  for (const file of FILES) {
    const { rules = {} } = (await eslint.calculateConfigForFile(file)) as Linter.Config
    const own = Object.entries(rules).filter(([name]) => RULES.includes(name))
    rulesOf.set(file, Object.fromEntries(own) as Linter.RulesRecord)
  }
})

/** Rules that the code breaks, as a file of that name. */
const broken = (code: string, file: string = PURE): (string | null)[] =>
  linter
    .verify(code, {
      languageOptions: { parser: tseslint.parser, globals: { performance: true } },
      rules: rulesOf.get(file) ?? {},
    })
    .map(({ ruleId, fatal }) => (fatal === true ? 'fatal' : ruleId))

const impure = [
  ...[
    'Date.now()',
    "Date['now']()",
    'new Date()',
    'Date()',
    'const { now } = Date',
    'const D = Date',
  ],
  ...['performance.now()', 'Temporal.Now.instant()', 'Math.random()', 'const { random } = Math'],
  ...[
    'process.hrtime()',
    'process.hrtime.bigint()',
    'process.uptime()',
    'process.env',
    'globalThis.Date',
  ],
  ...[
    'crypto.randomUUID()',
    'crypto.getRandomValues(bytes)',
    'setTimeout(f, 1)',
    'setInterval(f, 1)',
  ],
  ...['setImmediate(f)', 'queueMicrotask(f)', 'AbortSignal.timeout(1)', "fetch('http://x')"],
  ...['(1).toLocaleString()', 'Intl.DateTimeFormat()'],
  "import { randomBytes } from 'node:crypto'",
  "import crypto from 'node:crypto'",
  "import * as crypto from 'node:crypto'",
  "import { createHash } from 'crypto'",
  ...[
    'timers',
    'timers/promises',
    'perf_hooks',
    'process',
    'os',
    'fs',
    'net',
    'worker_threads',
    'vm',
  ].flatMap((name) => [`import x from 'node:${name}'`, `import x from '${name}'`]),
]

describe('a pipeline', () => {
  it.each(impure)('cannot say: %s', (code) => {
    expect(broken(code)).not.toEqual([])
    expect(broken(code)).not.toContain('fatal')
  })

  it.each([
    'new Date(record.timestamp)',
    'Date.UTC(2026, 0, 1)',
    'Math.max(1, 2)',
    "import { createHash } from 'node:crypto'",
  ])('can say: %s', (code) => {
    expect(broken(code)).toEqual([])
  })
})

it('nor can the engine, but for its shell around Kafka', () => {
  expect(broken('Date.now()', 'pipelines/runtime/task/some.ts')).toEqual([
    'no-restricted-properties',
  ])
  expect(broken('Date.now()', 'pipelines/runtime/kafka/some.ts')).toEqual([])
})
