/** Topics, database and processes of one sink test, apart from those of all others. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ClickHouseClient } from '@clickhouse/client'
import { RecordEncoder } from '../../../pipelines/runtime/avro/index.ts'
import {
  IdempotentProducer,
  KafkaAdmin,
  SchemaRegistryClient,
  type KafkaCluster,
} from '../../../pipelines/runtime/kafka/index.ts'
import { retentionSettings } from '../../../schemas/topic-settings.ts'
import { openClickHouse } from '../../shared/clickhouse.ts'
import { readConfig, type Config } from '../../shared/config.ts'
import { kafkaCluster } from '../../shared/kafka.ts'
import { sinkTables, type SinkTable } from '../tables.ts'
import { verifyTopic, type TopicVerdict } from '../verify.ts'

export const tablesOf = (prefix: string): readonly SinkTable[] =>
  sinkTables.map((table) => ({
    ...table,
    topic: { ...table.topic, name: `${prefix}.${table.topic.name}` },
  }))

export interface SinkUnderTestOptions {
  readonly prefix: string
  readonly environment: Readonly<Record<string, string>>
  readonly partitions?: number
}

const CHILD = fileURLToPath(new URL('sink-child.ts', import.meta.url))
const PATIENCE_MS = 90_000
const POLL_MS = 100

export class SinkUnderTest {
  readonly prefix: string
  readonly config: Config
  readonly cluster: KafkaCluster
  readonly client: ClickHouseClient
  readonly producer: IdempotentProducer
  readonly #environment: Readonly<Record<string, string>>
  readonly #children: ChildProcess[] = []
  readonly #encoders = new Map<string, RecordEncoder<unknown>>()
  /** What the children said; shown when a test fails. */
  readonly output: string[] = []

  private constructor({ prefix, environment }: SinkUnderTestOptions) {
    this.prefix = prefix
    const database = prefix.replaceAll(/[^A-Za-z0-9]/g, '_')
    this.#environment = { ...environment, CLICKHOUSE_DATABASE: database, LOG_LEVEL: 'info' }
    this.config = readConfig(this.#environment)
    this.cluster = kafkaCluster(this.config, { clientId: prefix })
    this.client = openClickHouse(this.config, { application: prefix, requestTimeoutMs: 60_000 })
    this.producer = new IdempotentProducer({ cluster: this.cluster, name: prefix })
  }

  static async create(options: SinkUnderTestOptions): Promise<SinkUnderTest> {
    const sink = new SinkUnderTest(options)
    await sink.createTopics(options.partitions ?? 2)
    const { url } = sink.config.schemaRegistry
    const registry = new SchemaRegistryClient({ url })
    for (const { topic } of tablesOf(options.prefix)) {
      const { schema, compatibility } = topic
      const schemaId = await registry.register(`${topic.name}-value`, schema, compatibility)
      sink.#encoders.set(topic.name, new RecordEncoder({ schema, schemaId }))
    }
    return sink
  }

  get tables(): readonly SinkTable[] {
    return tablesOf(this.prefix)
  }

  topic(table: string): string {
    const found = this.tables.find((each) => each.table === table)
    if (found === undefined) throw new Error(`there is no table ${table}`)
    return found.topic.name
  }

  async createTopics(partitions: number): Promise<void> {
    await new KafkaAdmin(this.cluster).createTopics(
      this.tables.map(({ topic }) => ({
        topic: topic.name,
        partitions,
        configs: retentionSettings(topic.retention),
      })),
    )
  }

  encode(table: string, value: unknown): Buffer {
    const encoder = this.#encoders.get(this.topic(table))
    if (encoder === undefined) throw new Error(`${table} has no encoder`)
    return Buffer.from(encoder.encode(value))
  }

  /** Starts a sink, with options of node's own; `kill` and `signal` it as you like. */
  start(nodeOptions: readonly string[] = []): ChildProcess {
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', ...nodeOptions, CHILD, this.prefix],
      {
        env: { PATH: process.env['PATH'], ...this.#environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output.push(text)
      })
    }
    this.#children.push(child)
    return child
  }

  async rows<Row>(query: string): Promise<Row[]> {
    const result = await this.client.query({
      query,
      format: 'JSONEachRow',
      clickhouse_settings: { output_format_json_quote_denormals: 1 },
    })
    return result.json<Row>()
  }

  verify(table: string): Promise<TopicVerdict> {
    const found = this.tables.find((each) => each.table === table)
    if (found === undefined) throw new Error(`there is no table ${table}`)
    const { cluster, client } = this
    return verifyTopic({
      cluster,
      client,
      table: found,
      deadLetterTopic: `${this.prefix}.dead-letter`,
    })
  }

  /** Polls until the answer suits; fails with the last answer and what the sinks said. */
  async until<T>(
    ask: () => Promise<T>,
    suits: (answer: T) => boolean,
    patienceMs = PATIENCE_MS,
  ): Promise<T> {
    const deadlineMs = performance.now() + patienceMs
    for (;;) {
      const answer: T | Error = await ask().catch((error: unknown) => error as Error)
      if (!(answer instanceof Error) && suits(answer)) return answer
      if (performance.now() > deadlineMs) {
        const shown = answer instanceof Error ? answer.message : JSON.stringify(answer)
        throw new Error(`waited in vain, last: ${shown}\n${this.output.join('').slice(-4_000)}`)
      }
      await delay(POLL_MS)
    }
  }

  /** Until every record of the topic is a row or a dead letter, and none is one twice. */
  untilComplete(table: string): Promise<TopicVerdict> {
    return this.until(
      () => this.verify(table),
      ({ partitions }) => partitions.every(({ missing }) => missing === 0),
    )
  }

  async close(): Promise<void> {
    for (const child of this.#children) await stop(child)
    await this.producer.close({ timeoutMs: 1_000 }).catch(() => undefined)
    await this.client.command({
      query: `DROP DATABASE IF EXISTS ${this.config.clickhouse.database}`,
    })
    await new KafkaAdmin(this.cluster).deleteTopics(this.tables.map(({ topic }) => topic.name))
    await Promise.all([this.client.close(), this.cluster.close()])
  }
}

export const stop = async (
  child: ChildProcess,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<number | null> => {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const exited = once(child, 'exit')
  child.kill('SIGCONT') // one that a test has put to sleep
  child.kill(signal)
  await exited
  return child.exitCode
}
