/**
 * Lint. Beside the strict type-checked rules it holds three rules of the house:
 *
 * L1: pipelines are pure: no clock, no random, no timers, no environment (runtime/kafka excepted,
 *     which is their shell).
 * L2: process.env is read by services/shared/config.ts, and by the set-up, the local stack and the
 *     tools in ops, which run before there is a configuration; and by the instrument, which runs in
 *     other people's processes.
 * L3: named exports only, except where a tool demands a default.
 */
import { builtinModules } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import eslint from '@eslint/js'
import { defineConfig, globalIgnores } from 'eslint/config'
import tseslint from 'typescript-eslint'

const root = dirname(fileURLToPath(import.meta.url))
const TESTS = ['**/*.test.ts', '**/testing/**', 'ops/test/**']

const useConfig = 'Read it in services/shared/config.ts and pass it down.'
const useRecordTime = 'Pipelines have no clock: take time from the record, a tick or an argument.'

const noEnvironment = { object: 'process', property: 'env', message: useConfig }
const noEnvironmentImport = {
  selector: "ImportDeclaration[source.value='node:process'] ImportSpecifier[imported.name='env']",
  message: useConfig,
}
const noDefaultExport = {
  selector: 'ExportDefaultDeclaration',
  message: 'Named exports only: the name is then the same everywhere.',
}

const impureProperties = [
  { object: 'Date', property: 'now', message: useRecordTime },
  { object: 'Math', property: 'random', message: 'Pipelines are deterministic.' },
  { object: 'AbortSignal', property: 'timeout', message: useRecordTime },
  { property: 'toLocaleString', message: 'The locale is that of the machine.' },
]
const CLOCKS_AND_TIMERS = [
  ...['performance', 'Temporal', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'],
  ...['clearTimeout', 'clearInterval', 'clearImmediate', 'Atomics'],
]
const impureGlobals = [
  ...CLOCKS_AND_TIMERS.map((name) => ({ name, message: useRecordTime })),
  ...['fetch', 'WebSocket', 'EventSource', 'BroadcastChannel'].map((name) => ({
    name,
    message: 'Pipelines do no I/O.',
  })),
  { name: 'crypto', message: 'It is random; ids are hashes of content (createHash).' },
  { name: 'process', message: 'Pipelines know no process.' },
  { name: 'Intl', message: 'The locale is that of the machine.' },
  // By these all of the above could be had under another name.
  { name: 'globalThis', message: useRecordTime },
  { name: 'global', message: useRecordTime },
]
const impureSyntax = [
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: useRecordTime },
  { selector: "CallExpression[callee.name='Date']", message: useRecordTime },
  {
    selector: 'VariableDeclarator[id.type="Identifier"][init.name=/^(Date|Math)$/]',
    message: 'Under another name nobody sees what is read of it.',
  },
]
/** What the pure core needs of Node; the rest has a clock, randomness or I/O. */
const PURE_MODULES = ['crypto', 'module', 'zlib']
const impureImports = {
  paths: [
    ...builtinModules
      .map((name) => name.replace(/^node:/, ''))
      .flatMap((name) => (PURE_MODULES.includes(name) ? [name] : [name, `node:${name}`]))
      .map((name) => ({ name, message: 'Pipelines do no I/O and have no clock.' })),
    { name: 'node:crypto', allowImportNames: ['createHash'], message: 'It is random.' },
  ],
}

export default defineConfig(
  globalIgnores(['node_modules/', '.millrace/', 'build/', 'schemas/generated/', '**/*.html']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: root },
    },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // `bigint` arithmetic and byte offsets make `+` of number and bigint a bug, of strings not.
      '@typescript-eslint/restrict-plus-operands': ['error', { allowNumberAndString: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // Indexed access is `T | undefined` here; after a bounds check `!` is the plain way to say so.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Interfaces that say `async` may be met by something that has nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      // A flag that another function sets while we await is "always falsy" to this rule; to look
      // again after an await is exactly what concurrent code must do.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // `{}` is the honest start of a type that a builder widens call by call.
      '@typescript-eslint/no-generated-empty-object-type': 'off',
      // `AvroSchema | 'unknown'`: the literal says what a caller has to expect.
      '@typescript-eslint/no-redundant-type-constituents': 'off',
      eqeqeq: 'error',
      'no-console': 'error',
      'no-restricted-properties': ['error', noEnvironment],
      'no-restricted-syntax': ['error', noDefaultExport, noEnvironmentImport],
    },
  },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: {
      globals: nodeGlobals(),
    },
    rules: { 'no-unused-vars': ['error', { argsIgnorePattern: '^_' }] },
  },
  {
    name: 'browser code, whose names its own tsconfig checks',
    files: ['services/api/page/**/*.js'],
    rules: { 'no-undef': 'off' },
  },
  {
    name: 'the page: a browser, whose names tsc checks (services/api/page/tsconfig.json)',
    files: ['services/api/page/*.js'],
    rules: { 'no-undef': 'off' },
  },
  {
    name: 'L1: pure pipelines',
    files: ['pipelines/**/*.ts'],
    ignores: ['pipelines/runtime/kafka/**', ...TESTS],
    rules: {
      'no-restricted-properties': ['error', noEnvironment, ...impureProperties],
      'no-restricted-globals': ['error', ...impureGlobals],
      'no-restricted-syntax': ['error', noDefaultExport, noEnvironmentImport, ...impureSyntax],
      'no-restricted-imports': ['error', impureImports],
    },
  },
  {
    name: 'L2: where the environment is read',
    files: [
      'services/shared/config.ts',
      'services/instrument/{index,kafka,otlp-http}.ts',
      'infra/setup/**',
      'infra/local/**',
      'ops/**',
      ...TESTS,
    ],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    name: 'the command line and the tools print',
    files: ['services/cli/**', 'infra/**', 'schemas/generate.ts', 'ops/**'],
    rules: { 'no-console': 'off' },
  },
  {
    name: 'tools demand a default export',
    files: ['*.config.ts', 'ops/test/*-setup.ts', 'ops/test/*-reporter.ts'],
    rules: { 'no-restricted-syntax': ['error', noEnvironmentImport] },
  },
  {
    name: 'tests',
    files: TESTS,
    rules: {
      // expect(mock.method) takes methods unbound by design.
      '@typescript-eslint/unbound-method': 'off',
      // Tests build wrong inputs on purpose.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
    },
  },
)

/** What plain JavaScript files may use without an import. */
function nodeGlobals() {
  const names = ['process', 'console', 'URL', 'Buffer', 'fetch', 'AbortSignal', 'AbortController']
  const timers = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate']
  return Object.fromEntries([...names, ...timers, 'globalThis'].map((name) => [name, 'readonly']))
}
