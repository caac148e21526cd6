/**
 * Traces, metrics and logs by the SDK of OpenTelemetry. Everything about where and how is in its
 * environment variables; see docs/producers.md.
 */
import { logs, metrics, SeverityNumber, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { startNodeSdk } from '@opentelemetry/sdk-node'

const sdk = startNodeSdk()

const meter = metrics.getMeter('shop')
const orders = meter.createCounter('shop.orders', { unit: '{order}' })
const waiting = meter.createUpDownCounter('shop.waiting', { unit: '{order}' })
const latency = meter.createHistogram('shop.latency', {
  unit: 's',
  advice: { explicitBucketBoundaries: [0.1, 1] },
})
orders.add(3, { region: 'eu' })
waiting.add(5)
waiting.add(-2)
for (const seconds of [0.05, 0.5, 5]) latency.record(seconds)

const attributes = { 'http.request.method': 'POST', 'http.route': '/orders/{id}' }
const options = { kind: SpanKind.SERVER, attributes }
trace.getTracer('shop').startActiveSpan('POST /orders/{id}', options, (span) => {
  logs.getLogger('shop').emit({
    severityNumber: SeverityNumber.ERROR,
    severityText: 'ERROR',
    body: 'payment declined',
    attributes: { order: 17 },
  })
  span.recordException(new TypeError('card expired'))
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'payment declined' })
  span.end()
  console.log(span.spanContext().traceId)
})

await sdk.shutdown()
