/**
 * The same servers from public images, by Testcontainers: TEST_STACK=containers.
 *
 * The broker has the settings of the local one (container-kafka.ts). The registry and ClickHouse are
 * as their images ship them: the product may lean on nothing that only the local stack sets there.
 *
 * Ryuk, the container that Testcontainers starts beside ours, removes them if this process dies.
 */
import { randomBytes } from 'node:crypto'
import {
  GenericContainer,
  getContainerRuntimeClient,
  getReaper,
  type ContainerRuntimeClient,
  type StartedTestContainer,
  Wait,
} from 'testcontainers'
import { clickhouseUser } from '../../infra/local/clickhouse-config.ts'
import { registryVersion } from '../../infra/setup/cache.mjs'
import { startKafkaContainer } from './container-kafka.ts'
import type { TestStack } from './test-stack.ts'

const REGISTRY_IMAGE = `apicurio/apicurio-registry-mem:${registryVersion}`
/** The series of the embedded engine; see package.json. */
const CLICKHOUSE_IMAGE = 'clickhouse/clickhouse-server:26.7'

const REGISTRY_PORT = 8080
const CLICKHOUSE_PORT = 8123
const START_TIMEOUT_MS = 180_000

const requireEngine = async (): Promise<ContainerRuntimeClient> => {
  try {
    return await getContainerRuntimeClient()
  } catch (cause) {
    const wayOut = 'start Docker (or name another engine by DOCKER_HOST), or leave TEST_STACK unset'
    throw new Error(`TEST_STACK is "containers" but no container engine answers; ${wayOut}.`, {
      cause,
    })
  }
}

const startRegistry = (): Promise<StartedTestContainer> =>
  new GenericContainer(REGISTRY_IMAGE)
    .withExposedPorts(REGISTRY_PORT)
    .withWaitStrategy(Wait.forHttp('/health/ready', REGISTRY_PORT))
    .withStartupTimeout(START_TIMEOUT_MS)
    .start()

const startClickhouse = (password: string): Promise<StartedTestContainer> =>
  new GenericContainer(CLICKHOUSE_IMAGE)
    .withExposedPorts(CLICKHOUSE_PORT)
    .withEnvironment({ CLICKHOUSE_USER: clickhouseUser, CLICKHOUSE_PASSWORD: password })
    .withWaitStrategy(Wait.forHttp('/ping', CLICKHOUSE_PORT))
    .withStartupTimeout(START_TIMEOUT_MS)
    .start()

const urlOf = (container: StartedTestContainer, port: number): string =>
  `http://${container.getHost()}:${String(container.getMappedPort(port))}`

const stopAll = async (containers: readonly StartedTestContainer[]): Promise<void> => {
  await Promise.all(containers.map((container) => container.stop()))
}

export const startContainerStack = async (): Promise<TestStack> => {
  // Asked for by three containers at once, Testcontainers would start three.
  await getReaper(await requireEngine())
  const password = randomBytes(16).toString('hex')
  const kafkaStarts = startKafkaContainer()
  const starting = [
    kafkaStarts.then(({ container }) => container),
    startRegistry(),
    startClickhouse(password),
  ] as const
  const settled = await Promise.allSettled(starting)
  const started = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  try {
    const [, registry, clickhouse] = await Promise.all(starting)
    const kafka = await kafkaStarts
    return {
      environment: {
        KAFKA_BROKERS: kafka.address,
        SCHEMA_REGISTRY_URL: `${urlOf(registry, REGISTRY_PORT)}/apis/ccompat/v7`,
        CLICKHOUSE_URL: urlOf(clickhouse, CLICKHOUSE_PORT),
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
