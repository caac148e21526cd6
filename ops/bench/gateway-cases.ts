/** What is sent to the gateway under measurement, by protocol. */
import { opentelemetry } from '../../schemas/generated/otlp.js'
import { otlpWriter } from '../../schemas/otlp/wire.ts'
import { packSnappyBlock } from '../../pipelines/runtime/record/snappy-block.ts'
import type { GatewayCaseName } from './gateway-case-names.ts'
import type { PostedRequest } from './http-connection.ts'
import { labelsOf, RemoteWriteBatch } from './remote-write-batch.ts'

export interface GatewayCase {
  readonly connections: number
  readonly pointsPerRequest: number
  /** All are different: the same request again would be a retry, and make no points. */
  readonly requestOf: (request: number) => PostedRequest
}

const SERIES = 20_000
const BATCH = 500
const BATCHES = SERIES / BATCH
const BULK_CONNECTIONS = 8
const SINGLE_CONNECTIONS = 64

/** Its tables are made when it is asked for. */
export const gatewayCase = (name: GatewayCaseName, startMs: number): GatewayCase => {
  switch (name) {
    case 'remote-write-1.0':
      return remoteWrite('1.0', startMs)
    case 'remote-write-2.0':
      return remoteWrite('2.0', startMs)
    case 'otlp-metrics':
      return otlpMetrics(startMs)
    case 'ingest-metrics-single':
      return singlePosts(startMs)
  }
}

const remoteWrite = (version: '1.0' | '2.0', startMs: number): GatewayCase => {
  const batches = Array.from({ length: BATCHES }, (_, batch) => {
    const all = Array.from({ length: BATCH }, (_, index) => labelsOf(batch * BATCH + index))
    return new RemoteWriteBatch(all, version)
  })
  const message = version === '1.0' ? '' : ';proto=io.prometheus.write.v2.Request'
  const headers = [
    `content-type: application/x-protobuf${message}`,
    'content-encoding: snappy',
    `x-prometheus-remote-write-version: ${version === '1.0' ? '0.1.0' : '2.0.0'}`,
  ]
  return {
    connections: BULK_CONNECTIONS,
    pointsPerRequest: BATCH,
    requestOf(request) {
      const batch = batches[request % BATCHES]!
      // A scrape a second: times rise by one for each round of all series.
      const body = packSnappyBlock(batch.at(startMs + Math.floor(request / BATCHES), request))
      return { path: '/api/v1/write', headers, body }
    },
  }
}

/** Services export some tens of metrics, each with some series, every few seconds. */
const METRICS = 25
const POINTS = BATCH / METRICS
/** Stands in the encoded body where a time belongs, and nowhere else. */
const MARK = 0x1234_5678_9abc_def0n

const otlpMetrics = (startMs: number): GatewayCase => {
  const bodies = Array.from({ length: BATCHES }, (_, batch) => otlpBody(batch))
  const headers = ['content-type: application/x-protobuf']
  return {
    connections: BULK_CONNECTIONS,
    pointsPerRequest: BATCH,
    requestOf(request) {
      const { bytes, times } = bodies[request % BATCHES]!
      const nanos = BigInt(startMs + Math.floor(request / BATCHES)) * 1_000_000n + BigInt(request)
      for (const at of times) bytes.writeBigUInt64LE(nanos, at)
      return { path: '/v1/metrics', headers, body: bytes }
    },
  }
}

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } })

const otlpBody = (batch: number): { readonly bytes: Buffer; readonly times: readonly number[] } => {
  const { ExportMetricsServiceRequest } = opentelemetry.proto.collector.metrics.v1
  const metrics = Array.from({ length: METRICS }, (_, metric) => ({
    name: `http.server.request.duration.${metric}`,
    unit: 's',
    gauge: {
      dataPoints: Array.from({ length: POINTS }, (_, point) => ({
        timeUnixNano: MARK,
        asDouble: metric + point / 7,
        attributes: [
          text('http.request.method', point % 2 === 0 ? 'GET' : 'POST'),
          text('http.route', `/api/orders/{id}/${point}`),
          text('http.response.status_code', '200'),
        ],
      })),
    },
  }))
  const resource = {
    attributes: [
      text('service.name', `checkout-${batch % 12}`),
      text('service.namespace', 'shop'),
      text('service.instance.id', `checkout-7d9f8b6c5-${batch}`),
      text('service.version', '2.3.1'),
      text('deployment.environment.name', 'production'),
      text('k8s.pod.name', `checkout-7d9f8b6c5-${batch}`),
      text('cloud.region', 'eu-central-1'),
    ],
  }
  const scopeMetrics = [{ scope: { name: 'http', version: '1.0.0' }, metrics }]
  const request = { resourceMetrics: [{ resource, scopeMetrics }] }
  const bytes = Buffer.from(ExportMetricsServiceRequest.encode(request, otlpWriter()).finish())
  const mark = Buffer.alloc(8)
  mark.writeBigUInt64LE(MARK)
  const times: number[] = []
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 8)) times.push(at)
  return { bytes, times }
}

const singlePosts = (startMs: number): GatewayCase => ({
  connections: SINGLE_CONNECTIONS,
  pointsPerRequest: 1,
  requestOf(request) {
    const point = {
      timestamp: new Date(startMs + request).toISOString(),
      metric_name: 'request_latency_ms',
      value: 100 + (request % 1_000) / 10,
      labels: { service: `checkout-${request % 500}`, environment: 'production', endpoint: '/pay' },
    }
    return {
      path: '/ingest/metrics',
      headers: ['content-type: application/json'],
      body: Buffer.from(JSON.stringify(point)),
    }
  },
})
