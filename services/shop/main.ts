/**
 * shop: a small shop to look at, watched by `millrace/instrument` as anybody's service would be.
 *
 * Its traces and logs go to the gateway by OTLP. With the demo (MILLRACE_DEMO) it has a visitor.
 */
import { readFileSync } from 'node:fs'
import { multistream, pino } from 'pino'
import { currentTrace } from '../instrument/context.ts'
import { settingsFrom } from '../instrument/settings.ts'
import { flush, logStream, sendBy, startInstrument } from '../instrument/start.ts'
import type { Config } from '../shared/config.ts'
import type { ExitCode } from '../shared/errors.ts'
import { listen } from '../shared/listen.ts'
import { runService, type RunningService, type ServiceContext } from '../shared/service.ts'
import { buildShop, ROUTES, type ShopPorts, type ShopScope } from './app.ts'
import { tellDeployed } from './deployed.ts'
import { Faults } from './faults.ts'
import { randomFrom } from './random.ts'
import { visit } from './visitor.ts'

const ENVIRONMENT = 'demo'
const SEED = 1
const FLUSH_MS = 1_000

export const run = (): Promise<ExitCode> => runService({ name: 'shop', healthPort: 'own', start })

const start = async (context: ServiceContext): Promise<RunningService> => {
  const { config, logger, signal } = context
  startInstrument(
    settingsFrom({
      OTEL_SERVICE_NAME: 'shop-visitor',
      OTEL_RESOURCE_ATTRIBUTES: `deployment.environment.name=${ENVIRONMENT}`,
    }),
  )
  const { gatewayUrl, gatewayKey } = config
  const headers = (): Readonly<Record<string, string>> => {
    const key = gatewayKey?.last
    return key === undefined ? {} : { 'x-api-key': key.reveal() }
  }
  sendBy({ kind: 'otlp', url: gatewayUrl, headers })
  const version = versionOf()
  const app: ShopScope = await buildShop({
    loggerOf: shopLoggers(config),
    faults: new Faults(randomFrom(SEED)),
    random: randomFrom(SEED + 1),
    version,
    environment: ENVIRONMENT,
    ownUrl: () => app.listeningOrigin,
  })
  const { host, shopPort: port } = config
  await listen(app, { service: 'shop', host, port, variable: 'SHOP_PORT' })
  process.stderr.write(banner(app.listeningOrigin, gatewayUrl))
  const telling = tellDeployed({
    ...{ gatewayUrl, headers, version },
    ...{ environment: ENVIRONMENT, signal, logger },
  })
  const visiting = config.demo
    ? visit({ url: app.listeningOrigin, random: randomFrom(SEED + 2), signal })
    : Promise.resolve()
  return {
    ready: () => true,
    async stop() {
      await Promise.all([telling, visiting])
      await app.close()
      await flush(FLUSH_MS)
    },
  }
}

/** Lines with the ids of their trace, on standard output and to the gateway. */
const shopLoggers = ({ logLevel }: Config): ShopPorts['loggerOf'] => {
  const streams = multistream([{ stream: process.stdout }, { stream: logStream() }])
  const logger = pino({ level: logLevel, base: null, mixin: currentTrace }, streams)
  return (service) => logger.child({ service })
}

const banner = (url: string, gatewayUrl: string): string =>
  [
    `The demo shop is open at ${url}; its telemetry goes to ${gatewayUrl}.`,
    ...ROUTES.map((route) => `  ${route}`),
    '',
  ].join('\n')

const versionOf = (): string => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}
