import { defineConfig } from 'vitest/config'

const INTEGRATION = '**/*.integration.test.ts'
const DRILL = '**/*.drill.test.ts'
const EXCLUDE = ['**/node_modules/**', '.millrace/**']

/**
 * unit         pure and fast, all of it under ten seconds
 * integration  against one real Kafka, registry and ClickHouse, started for the run (ops/test)
 * full         drills that take minutes, same servers
 */
export default defineConfig({
  test: {
    // GitHub's reporter would be added in CI; one readable output everywhere.
    reporters: ['default'],
    slowTestThreshold: 1_000,
    // The servers stop in order; Kafka takes its time.
    teardownTimeout: 60_000,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...EXCLUDE, INTEGRATION, DRILL],
          // Fast when idle; a busy machine is no reason to fail.
          testTimeout: 60_000,
          // Threads start faster than processes. Modules are loaded once per thread, not per file, which
          // halves the time: what is tested here is pure, so a file leaves nothing behind for the next.
          pool: 'threads',
          isolate: false,
          // By default one core stays free, which on two cores is half of them.
          maxWorkers: '100%',
        },
      },
      {
        test: {
          name: 'integration',
          include: [INTEGRATION],
          exclude: EXCLUDE,
          globalSetup: 'ops/test/stack-setup.ts',
          // The servers need the second core.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'full',
          include: [DRILL],
          exclude: EXCLUDE,
          globalSetup: 'ops/test/stack-setup.ts',
          fileParallelism: false,
          testTimeout: 30 * 60_000,
          hookTimeout: 5 * 60_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
