/**
 * The broker as a container, with the settings of the local one: a test cannot pass here and fail
 * there because of a setting.
 *
 * K1: clients are told the address that the engine published, which is known only when the container
 *     runs. So it starts as a shell that waits for a script with that address.
 * K2: the broker speaks to itself too, to end transactions. The published address is not one of the
 *     container, so it has a listener of its own for that.
 */
import { createInterface } from 'node:readline'
import { GenericContainer, type StartedTestContainer, Wait } from 'testcontainers'
import { renderKafkaProperties } from '../../infra/local/kafka.ts'
import { kafkaVersion } from '../../infra/setup/cache.mjs'

const IMAGE = `apache/kafka:${kafkaVersion}`
const IMAGE_START = '/etc/kafka/docker/run'
const CLIENT_PORT = 9092
const CONTROLLER_PORT = 9093
const INTERNAL_PORT = 9094
const START_TIMEOUT_MS = 180_000
const SHOWN_LINES = 20

const START_SCRIPT = '/tmp/start-kafka.sh'
const WAITING = 'waiting for the published address'
const waitForScript = `echo "${WAITING}"; until [ -s ${START_SCRIPT} ]; do sleep 0.1; done; exec sh ${START_SCRIPT}`

/** The image's convention: `log.dirs` is KAFKA_LOG_DIRS. */
const environmentName = (setting: string): string =>
  `KAFKA_${setting.replaceAll('.', '_').toUpperCase()}`

const localSettings = (): Record<string, string> => {
  const ports = { kafka: CLIENT_PORT, kafkaController: CONTROLLER_PORT }
  const lines = renderKafkaProperties({ dataDir: '/tmp/kafka', ports }).trimEnd().split('\n')
  const settings = lines.map((line) => {
    const [setting = '', ...value] = line.split('=')
    return [environmentName(setting), value.join('=')] as const
  })
  return Object.fromEntries(settings)
}

const environment = (): Record<string, string> => ({
  ...localSettings(),
  KAFKA_LISTENERS: [
    `PLAINTEXT://0.0.0.0:${String(CLIENT_PORT)}`,
    `INTERNAL://127.0.0.1:${String(INTERNAL_PORT)}`,
    `CONTROLLER://127.0.0.1:${String(CONTROLLER_PORT)}`,
  ].join(),
  KAFKA_LISTENER_SECURITY_PROTOCOL_MAP:
    'PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
  KAFKA_INTER_BROKER_LISTENER_NAME: 'INTERNAL',
  KAFKA_HEAP_OPTS: '-Xms128m -Xmx384m',
})

const startScript = (address: string): string => {
  const advertised = `PLAINTEXT://${address},INTERNAL://127.0.0.1:${String(INTERNAL_PORT)}`
  return `KAFKA_ADVERTISED_LISTENERS='${advertised}' exec ${IMAGE_START}\n`
}

/** A container that ends before it has said so ends its log too, which then tells why. */
const waitForLine = async (container: StartedTestContainer, wanted: RegExp): Promise<void> => {
  const log = await container.logs()
  const lines = createInterface({ input: log })
  const giveUp = setTimeout(() => {
    lines.close()
  }, START_TIMEOUT_MS)
  const lastLines: string[] = []
  try {
    for await (const line of lines) {
      if (wanted.test(line)) return
      lastLines.push(line)
      if (lastLines.length > SHOWN_LINES) lastLines.shift()
    }
  } finally {
    clearTimeout(giveUp)
    log.destroy()
  }
  throw new Error(`Kafka did not start in its container. It said:\n${lastLines.join('\n')}`)
}

export interface KafkaContainer {
  /** host:port, for clients. */
  readonly address: string
  readonly container: StartedTestContainer
}

export const startKafkaContainer = async (): Promise<KafkaContainer> => {
  const container = await new GenericContainer(IMAGE)
    .withExposedPorts(CLIENT_PORT)
    .withEnvironment(environment())
    .withCommand(['sh', '-c', waitForScript])
    .withWaitStrategy(Wait.forLogMessage(WAITING))
    .withStartupTimeout(START_TIMEOUT_MS)
    .start()
  const address = `${container.getHost()}:${String(container.getMappedPort(CLIENT_PORT))}`
  try {
    const script = { content: startScript(address), target: START_SCRIPT, mode: 0o644 }
    await container.copyContentToContainer([script])
    await waitForLine(container, /Kafka Server started/)
  } catch (error) {
    await container.stop()
    throw error
  }
  return { address, container }
}
