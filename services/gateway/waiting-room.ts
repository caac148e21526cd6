/**
 * What the gateway's port answers before there is a gateway: Kafka or the registry may be away at the
 * start, or their topics not made yet. A sender is told to come again, as later on when Kafka is away,
 * and whoever asks /readyz is told why.
 *
 * Plain node:http: nothing is read of a body, and every answer ends its connection.
 */
import type { AddressInfo } from 'node:net'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { listenFailure, type ListenPlace } from '../shared/listen.ts'
import { toDocument } from '../shared/problem.ts'
import type { Listeners } from '../shared/tls.ts'
import { gatewayProblem } from './problem.ts'

export interface WaitingRoomOptions extends ListenPlace {
  readonly listeners: Pick<Listeners, 'create'>
  /** What is waited for, and what was wrong at the last try. */
  readonly reason: () => string
}

export interface WaitingRoom {
  readonly port: number
  close(): Promise<void>
}

const RETRY_SECONDS = 5
const TIMEOUT_MS = 10_000
const MAX_CONNECTIONS = 1_024

/** @throws ServiceError LISTEN_FAILED */
export const openWaitingRoom = async (options: WaitingRoomOptions): Promise<WaitingRoom> => {
  const { listeners, host, port } = options
  const server = listeners.create((request, response) => {
    // Read and thrown away, so that the sender gets to see the answer.
    request.resume()
    answer(request, response, options.reason())
  })
  server.requestTimeout = TIMEOUT_MS
  server.headersTimeout = TIMEOUT_MS
  server.maxConnections = MAX_CONNECTIONS
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(listenFailure(options, cause))
    })
    server.listen(port, host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}

const answer = (request: IncomingMessage, response: ServerResponse, reason: string): void => {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
  response.setHeader('connection', 'close')
  if (path === '/healthz' || path === '/health') {
    send(response, 200, 'application/json', { status: 'alive', service: 'gateway' })
    return
  }
  response.setHeader('retry-after', String(RETRY_SECONDS))
  if (path === '/readyz') {
    send(response, 503, 'application/json', { status: 'not ready', reason })
    return
  }
  const detail = 'the gateway has not found Kafka and the schema registry yet; come again later'
  const problem = gatewayProblem('kafka-behind', detail)
  send(response, problem.status, 'application/problem+json', toDocument(problem, path))
}

const send = (
  response: ServerResponse,
  status: number,
  mediaType: string,
  document: object,
): void => {
  response.writeHead(status, { 'content-type': mediaType })
  response.end(JSON.stringify(document))
}
