/** A sink in a process of its own, for tests that kill it: topics, group and database are the test's. */
import { runService } from '../../shared/service.ts'
import { startSink } from '../start-sink.ts'
import { tablesOf } from './sink-under-test.ts'

const prefix = process.argv[2] ?? ''

process.exit(
  await runService({
    name: 'sink',
    healthPort: 0,
    start: (context) =>
      startSink(context, {
        tables: tablesOf(prefix),
        groupId: `${prefix}.sink`,
        deadLetterTopic: `${prefix}.dead-letter`,
        sessionTimeoutMs: 6_000,
      }),
  }),
)
