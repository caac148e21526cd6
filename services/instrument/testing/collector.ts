/** An OTLP/HTTP receiver on loopback that keeps what it gets, in plain words. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { eventually } from '../../../ops/test/eventually.ts'

export interface SeenSpan {
  readonly service: string
  readonly resource: Readonly<Record<string, string>>
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly ended: boolean
  readonly durationUs: number
  readonly failed: boolean
  readonly attributes: Readonly<Record<string, string>>
  readonly exception: Readonly<Record<string, string>> | undefined
}

interface OtlpAttribute {
  readonly key: string
  readonly value: { readonly stringValue?: string; readonly intValue?: string }
}
interface OtlpSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly OtlpAttribute[]
  readonly events: readonly { readonly attributes: readonly OtlpAttribute[] }[]
  readonly status: { readonly code?: number }
}
interface OtlpTraces {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] }
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[]
  }[]
}

const wordsOf = (attributes: readonly OtlpAttribute[]): Record<string, string> =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? '']),
  )

export const spansIn = (body: string): SeenSpan[] =>
  (JSON.parse(body) as OtlpTraces).resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const words = wordsOf(resource.attributes)
    const spans = scopeSpans.flatMap((scope) => scope.spans)
    return spans.map((span) => ({
      service: words['service.name'] ?? '',
      resource: words,
      traceId: span.traceId,
      spanId: span.spanId,
      ...(span.parentSpanId === undefined ? {} : { parentSpanId: span.parentSpanId }),
      name: span.name,
      kind: span.kind,
      ended: span.endTimeUnixNano !== '0',
      durationUs: Number((BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1000n),
      failed: span.status.code === 2,
      attributes: wordsOf(span.attributes),
      exception: span.events[0] && wordsOf(span.events[0].attributes),
    }))
  })

export type Behaviour = (request: IncomingMessage, response: ServerResponse) => void

export const takeAll: Behaviour = (_request, response) => {
  response.setHeader('content-type', 'application/json').end('{}')
}

export class Collector {
  readonly bodies: string[] = []
  readonly spans: SeenSpan[] = []
  readonly requests: IncomingMessage[] = []
  behaviour: Behaviour = takeAll
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      this.requests.push(request)
      this.behaviour(request, response)
      if (response.statusCode >= 300) return
      const body = Buffer.concat(chunks).toString()
      this.bodies.push(body)
      if (body.startsWith('{"resourceSpans"')) this.spans.push(...spansIn(body))
    })
  })

  static async start(): Promise<Collector> {
    const collector = new Collector()
    collector.#server.listen(0, '127.0.0.1')
    await once(collector.#server, 'listening')
    return collector
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Waits for so many spans that are wanted, and gives them. */
  async seen(
    wanted: (span: SeenSpan) => boolean,
    count = 1,
    timeoutMs = 10_000,
  ): Promise<SeenSpan[]> {
    return eventually(
      () => this.spans.filter(wanted),
      (found) => found.length >= count,
      { timeoutMs, intervalMs: 10 },
    )
  }

  /** Ends requests that got no answer. */
  hangUp(): void {
    this.#server.closeAllConnections()
  }

  async stop(): Promise<void> {
    this.hangUp()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
