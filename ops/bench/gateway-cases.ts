/** What is sent to the gateway under measurement, by protocol. */
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
