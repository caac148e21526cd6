/**
 * The child process that is the ClickHouse server: `node clickhouse-server.ts LIBRARY ARGUMENTS...`.
 *
 * libchdb exports the entry point of `clickhouse local`, which knows SYSTEM START LISTEN. It ends with its last query, so the last
 * query waits until it is killed. The call runs on this thread's own stack and blocks it: nothing of Node runs from then on, and
 * signals reach the engine's handlers or the system's defaults.
 */
import process from 'node:process'

import ffi from 'ffi-rs'

const [library, ...args] = process.argv.slice(2)
if (library === undefined) throw new Error('usage: clickhouse-server.ts LIBRARY ARGUMENTS...')

const argv = ['clickhouse', ...args]
ffi.open({ library: 'clickhouse', path: library })
const result = ffi.load({
  library: 'clickhouse',
  funcName: 'query_stable_v2',
  retType: ffi.DataType.U64,
  paramsType: [ffi.DataType.I32, ffi.DataType.StringArray],
  paramsValue: [argv.length, argv],
})
// Null: the engine could not start, or a query failed; it has said why on standard error.
process.exit(result === 0 ? 1 : 0)
