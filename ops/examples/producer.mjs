/**
 * A producer of your own, in plain kafkajs: publishes a metric with a spike at its end, and shows
 * the anomaly that comes out.
 *
 *   npm install kafkajs @kafkajs/confluent-schema-registry
 *   node producer.mjs
 *
 * It needs KAFKA_BROKERS and SCHEMA_REGISTRY_URL only where they differ from `npm start`'s.
 * docs/producers.md explains every choice made here.
 */
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import kafkajs from 'kafkajs'

const { values: options } = parseArgs({
  options: {
    tenant: { type: 'string', default: 'default' },
    instance: { type: 'string', default: `checkout-${randomBytes(3).toString('hex')}` },
  },
})

const METRICS = 'telemetry.metrics'
const ANOMALIES = 'signals.anomalies'
const NORMAL_POINTS = 40
const INTERVAL_MS = 500
const PATIENCE_MS = 60_000

/** tenant, name and label=value, sorted by label, with U+001F between them. */
const seriesKey = ({ tenant, name, labels }) =>
  [
    tenant,
    name,
    ...Object.keys(labels)
      .sort()
      .map((label) => `${label}=${labels[label]}`),
  ].join('\u001f')

/** Latencies around 120 ms, the last one 900 ms, up to this moment. */
const measurements = () => {
  const now = Date.now()
  return Array.from({ length: NORMAL_POINTS + 1 }, (_, index) => ({
    timestamp: now - (NORMAL_POINTS - index) * INTERVAL_MS,
    value: index === NORMAL_POINTS ? 900 : 120 + 8 * Math.sin(index),
    tenant: options.tenant,
    name: 'checkout.latency',
    labels: { service: 'checkout', instance: options.instance },
    unit: 'ms',
  }))
}

const kafka = new kafkajs.Kafka({
  clientId: 'example-producer',
  brokers: (process.env.KAFKA_BROKERS ?? '127.0.0.1:9092').split(','),
  logLevel: kafkajs.logLevel.ERROR,
})
const registry = new SchemaRegistry({
  host: process.env.SCHEMA_REGISTRY_URL ?? 'http://127.0.0.1:8081/apis/ccompat/v7',
})

const publish = async (points) => {
  // The schema is registered already; producers only ask for its id.
  const schemaId = await registry.getLatestSchemaId(`${METRICS}-value`)
  const messages = await Promise.all(
    points.map(async (point) => ({
      key: seriesKey(point),
      value: await registry.encode(schemaId, point),
    })),
  )
  const producer = kafka.producer({
    // Hashes keys as Java does (murmur2), which is how Millrace places series.
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    // A retry must not write a point twice.
    idempotent: true,
  })
  await producer.connect()
  await producer.send({ topic: METRICS, acks: -1, messages })
  await producer.disconnect()
}

/** The first record about our series. */
const firstAnomaly = async () => {
  const consumer = kafka.consumer({ groupId: `example-${options.instance}` })
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: [ANOMALIES], fromBeginning: true })
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`No anomaly within ${PATIENCE_MS / 1000} s; does a worker run?`))
      }, PATIENCE_MS)
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
      void consumer
        .run({
          eachMessage: async ({ message }) => {
            const anomaly = await registry.decode(message.value)
            if (anomaly.labels.instance !== options.instance) return
            clearTimeout(timer)
            resolve(anomaly)
          },
        })
        .catch(reject)
    })
  } finally {
    await consumer.disconnect()
  }
}

const points = measurements()
await publish(points)
console.error(`published ${points.length} points of checkout.latency of ${options.instance}`)
const anomaly = await firstAnomaly()
console.error(`${anomaly.severity}: ${anomaly.message}`)
console.log(JSON.stringify(anomaly))
