/** Listening, and what is said when it cannot be. */
import { EXIT, messageOf, ServiceError } from './errors.ts'

export interface ListenPlace {
  readonly service: string
  readonly host: string
  readonly port: number
  /** The environment variable that sets the port. */
  readonly variable: string
}

/** A server of Fastify. */
interface Listenable {
  listen(options: { readonly host: string; readonly port: number }): Promise<unknown>
}

/** @throws ServiceError LISTEN_FAILED */
export const listen = async (app: Listenable, place: ListenPlace): Promise<void> => {
  const { host, port } = place
  try {
    await app.listen({ host, port })
  } catch (cause) {
    throw listenFailure(place, cause)
  }
}

export const listenFailure = (
  { service, host, port, variable }: ListenPlace,
  cause: unknown,
): ServiceError =>
  new ServiceError({
    code: 'LISTEN_FAILED',
    exitCode: EXIT.usage,
    message: `${service} cannot listen on ${host}:${port} (${messageOf(cause)}). Free the port or set ${variable}.`,
    cause,
  })
