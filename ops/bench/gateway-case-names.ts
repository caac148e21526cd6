/** The command line knows these without loading what they are. */
export const GATEWAY_CASES = [
  'remote-write-1.0',
  'remote-write-2.0',
  'ingest-metrics-single',
] as const
export type GatewayCaseName = (typeof GATEWAY_CASES)[number]
