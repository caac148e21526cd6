/**
 * Whole runs of the workload through the production worker, one fresh process each:
 *
 *   node ops/bench/main.ts [--records N] [--runs N] [--port-base N]
 *
 * One line of JSON per run. The answer of each run is checked against what the input implies.
 */
import { parseArgs } from 'node:util'
import { openBenchStack } from './bench-stack.ts'
import { expectedOf } from './expected.ts'
import { runOurs } from './throughput.ts'
import { createInput, fillInput } from './workload-topics.ts'
import { createWorkload } from './workload.ts'

const SERIES = 2_000
const PARTITIONS = 4

const { values: args } = parseArgs({
  options: {
    records: { type: 'string', default: '1000000' },
    runs: { type: 'string', default: '3' },
    'port-base': { type: 'string' },
  },
})
const records = Number(args.records)
const portBase = args['port-base'] === undefined ? undefined : Number(args['port-base'])
const stack = await openBenchStack({ attach: false, portBase })
try {
  const workload = createWorkload({ name: 'bench', decode: 'fields' })
  await createInput(stack, workload, PARTITIONS)
  await fillInput(stack, workload, { records, series: SERIES })
  const expected = expectedOf({ records, series: SERIES })
  for (let run = 1; run <= Number(args.runs); run++) {
    for (const decode of ['fields', 'objects'] as const) {
      const id = `${decode}-${String(run)}`
      const options = { id, decode, records, partitions: PARTITIONS, expected }
      const figures = await runOurs(stack, options)
      process.stdout.write(`${JSON.stringify({ decode, ...figures })}\n`)
    }
  }
} finally {
  await stack.stop()
}
