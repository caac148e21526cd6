/**
 * The same servers from public images, by Testcontainers: TEST_STACK=containers.
 *
 * The broker takes the settings of the local one, so that a test cannot pass here and fail there
 * because of a setting.
 */
import { randomBytes } from 'node:crypto'
import { createServer, type AddressInfo } from 'node:net'
import { GenericContainer, type StartedTestContainer, Wait } from 'testcontainers'
import { clickhouseUser } from '../../infra/local/clickhouse-config.ts'
import { renderKafkaProperties } from '../../infra/local/kafka.ts'
import { kafkaVersion, registryVersion } from '../../infra/setup/cache.mjs'
import type { TestStack } from './test-stack.ts'

const KAFKA_IMAGE = `apache/kafka:${kafkaVersion}`
const REGISTRY_IMAGE = `apicurio/apicurio-registry-mem:${registryVersion}`
const CLICKHOUSE_IMAGE = 'clickhouse/clickhouse-server:26.7'

const KAFKA_PORT = 9092
const CONTROLLER_PORT = 9093
const REGISTRY_PORT = 8080
const CLICKHOUSE_PORT = 8123

/** Kafka must know, before it starts, the port at which clients will find it. */
const freePort = async (): Promise<number> => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** The image's convention: `log.dirs` is KAFKA_LOG_DIRS. */
const kafkaEnvironment = (advertisedPort: number): Record<string, string> => {
  const ports = { kafka: KAFKA_PORT, kafkaController: CONTROLLER_PORT }
  const settings = renderKafkaProperties({ dataDir: '/tmp/kafka', ports })
  const environment: Record<string, string> = {}
  for (const line of settings.trimEnd().split('\n')) {
    const [key = '', ...value] = line.split('=')
    environment[`KAFKA_${key.replaceAll('.', '_').toUpperCase()}`] = value.join('=')
  }
  environment['KAFKA_LISTENERS'] =
    `PLAINTEXT://0.0.0.0:${KAFKA_PORT},CONTROLLER://127.0.0.1:${CONTROLLER_PORT}`
  environment['KAFKA_ADVERTISED_LISTENERS'] = `PLAINTEXT://127.0.0.1:${advertisedPort}`
  return environment
}

const startKafka = async (port: number): Promise<StartedTestContainer> =>
  new GenericContainer(KAFKA_IMAGE)
    .withExposedPorts({ container: KAFKA_PORT, host: port })
    .withEnvironment(kafkaEnvironment(port))
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .start()

const startRegistry = async (): Promise<StartedTestContainer> =>
  new GenericContainer(REGISTRY_IMAGE)
    .withExposedPorts(REGISTRY_PORT)
    .withWaitStrategy(Wait.forHttp('/health/ready', REGISTRY_PORT))
    .start()

const startClickhouse = async (password: string): Promise<StartedTestContainer> =>
  new GenericContainer(CLICKHOUSE_IMAGE)
    .withExposedPorts(CLICKHOUSE_PORT)
    .withEnvironment({ CLICKHOUSE_USER: clickhouseUser, CLICKHOUSE_PASSWORD: password })
    .withWaitStrategy(Wait.forHttp('/ping', CLICKHOUSE_PORT))
    .start()

const stopAll = async (containers: readonly StartedTestContainer[]): Promise<void> => {
  await Promise.all(containers.map((container) => container.stop({ timeout: 5_000 })))
}

export const startContainerStack = async (): Promise<TestStack> => {
  const password = randomBytes(16).toString('hex')
  const kafkaPort = await freePort()
  const starting = [startKafka(kafkaPort), startRegistry(), startClickhouse(password)] as const
  const settled = await Promise.allSettled(starting)
  const started = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  try {
    const [, registry, clickhouse] = await Promise.all(starting)
    return {
      environment: {
        KAFKA_BROKERS: `127.0.0.1:${kafkaPort}`,
        SCHEMA_REGISTRY_URL: `http://127.0.0.1:${registry.getMappedPort(REGISTRY_PORT)}/apis/ccompat/v7`,
        CLICKHOUSE_URL: `http://127.0.0.1:${clickhouse.getMappedPort(CLICKHOUSE_PORT)}`,
        CLICKHOUSE_USERNAME: clickhouseUser,
        CLICKHOUSE_PASSWORD: password,
      },
      stop: () => stopAll(started),
    }
  } catch (error) {
    await stopAll(started)
    throw error
  }
}
