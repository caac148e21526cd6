/** The command line knows these without loading what they are. */
export const GATEWAY_CASES = [
  'remote-write-1.0',
  'remote-write-2.0',
  'otlp-metrics',
  'ingest-metrics-single',
] as const
export type GatewayCaseName = (typeof GATEWAY_CASES)[number]

/** How the names of a case's metrics begin: the door of OTLP also writes a point about each resource. */
export const metricsOf = (name: GatewayCaseName): string =>
  name === 'otlp-metrics' ? 'http.server.request.duration' : ''
