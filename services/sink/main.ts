/** The sink as a process. */
import type { ExitCode } from '../shared/errors.ts'
import { runService } from '../shared/service.ts'
import { startSink } from './start-sink.ts'

const HEALTH_PORT = 9465

export const run = (): Promise<ExitCode> =>
  runService({ name: 'sink', healthPort: HEALTH_PORT, start: (context) => startSink(context) })
