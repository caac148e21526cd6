/**
 * TLS of a process's listeners: certificate and key by reference, and taken anew when they change,
 * while connections go on.
 *
 * T1: what does not fit together (a certificate that was replaced before its key) is never taken: the
 *     old pair goes on to hold, and the next look finds the whole new one.
 */
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import type { Config } from './config.ts'
import { EXIT, messageOf, ServiceError } from './errors.ts'
import { isLoopback } from './identity/local-access.ts'
import type { Logger } from './logger.ts'

export interface Listeners {
  /** A server that is not listening yet: with TLS where that is configured. */
  create(handler: RequestListener): Server
  close(): void
}

/** As much of the configuration as listeners need. */
export type ListenerSettings = Pick<Config, 'host' | 'tls' | 'secretsRefreshMs'>

type TlsSecrets = NonNullable<Config['tls']>

interface Pair {
  readonly context: SecureContextOptions
  /** To tell whether it has changed. */
  readonly text: string
}

/** @throws ServiceError when what is configured cannot be used */
export const openListeners = async (
  settings: ListenerSettings,
  logger: Logger,
): Promise<Listeners> => {
  const { tls, host } = settings
  if (tls === undefined) {
    if (!isLoopback(host)) {
      logger.warn(
        { host },
        'LISTENING WITHOUT TLS beyond this machine: keys and data can be read on the way. Set TLS_CERT and TLS_KEY, or let a proxy do it',
      )
    }
    return { create: (handler) => createServer(handler), close: () => undefined }
  }
  let current = await readPair(tls)
  const servers: ReturnType<typeof createTlsServer>[] = []
  const look = async (): Promise<void> => {
    try {
      const found = await readPair(tls)
      if (found.text === current.text) return
      current = found
      for (const server of servers) server.setSecureContext(found.context)
      logger.info('The certificate has changed; new connections use the new one')
    } catch (error) {
      logger.warn({ error: messageOf(error) }, 'The certificate cannot be read; the last one holds')
    }
  }
  const timer = setInterval(() => void look(), settings.secretsRefreshMs)
  return {
    create(handler) {
      const asksClients = tls.clientCa !== undefined
      const options = { requestCert: asksClients, rejectUnauthorized: asksClients }
      const server = createTlsServer({ ...current.context, ...options }, handler)
      servers.push(server)
      return server
    },
    close() {
      clearInterval(timer)
    },
  }
}

const readPair = async (tls: TlsSecrets): Promise<Pair> => {
  const [cert, key, ca] = await Promise.all([tls.cert.read(), tls.key.read(), tls.clientCa?.read()])
  const context = {
    cert: cert.reveal(),
    key: key.reveal(),
    minVersion: 'TLSv1.2',
    ...(ca === undefined ? {} : { ca: ca.reveal() }),
  } as const
  try {
    createSecureContext(context)
  } catch (cause) {
    const message = `TLS_CERT and TLS_KEY cannot be used together (${messageOf(cause)}). Correct what they refer to.`
    throw new ServiceError({ code: 'SECRET_INVALID', exitCode: EXIT.usage, message, cause })
  }
  return { context, text: [context.cert, context.key, ca?.reveal()].join('\n') }
}
