/**
 * The ports of one stack. Without a base they are the well-known ones, so that every client's defaults fit; with
 * `--port-base N` they are N+0..N+10, so that stacks can run side by side.
 */
import { createServer } from 'node:net'

import { StackError, systemCode } from './errors.ts'

export interface StackPorts {
  readonly api: number
  readonly gateway: number
  readonly kafka: number
  readonly registry: number
  readonly clickhouseHttp: number
  readonly clickhouseNative: number
  readonly kafkaController: number
  /** Health and metrics of the worker. */
  readonly metrics: number
  readonly sinkMetrics: number
  readonly hostMetrics: number
  readonly shop: number
}

export type PortName = keyof StackPorts

export const wellKnownPorts: StackPorts = {
  api: 8080,
  gateway: 4318,
  kafka: 9092,
  registry: 8081,
  clickhouseHttp: 8123,
  clickhouseNative: 9000,
  kafkaController: 9093,
  metrics: 9464,
  sinkMetrics: 9465,
  hostMetrics: 9466,
  shop: 8090,
}

/** How many ports a base takes: N+0..N+10. */
const baseWidth = 11
const highestPort = 65_535
/** Below are ports that only root may open. */
export const lowestPort = 1024
export const highestPortBase = highestPort - baseWidth + 1

export const isPortBase = (base: number): boolean =>
  Number.isInteger(base) && base >= lowestPort && base <= highestPortBase

export const portsFrom = (base?: number): StackPorts => {
  if (base === undefined) return wellKnownPorts
  if (!isPortBase(base)) {
    throw new StackError(
      'PORT_INVALID',
      `The port base ${String(base)} is not a whole number from ${String(lowestPort)} to ${String(highestPortBase)}; choose another --port-base.`,
    )
  }
  return {
    api: base,
    gateway: base + 1,
    kafka: base + 2,
    registry: base + 3,
    clickhouseHttp: base + 4,
    clickhouseNative: base + 5,
    kafkaController: base + 6,
    metrics: base + 7,
    sinkMetrics: base + 8,
    hostMetrics: base + 9,
    shop: base + 10,
  }
}

/** Says why a port cannot be opened (`EADDRINUSE`, `EACCES`), or nothing when it can. */
export const portRefusal = (port: number, host = '127.0.0.1'): Promise<string | undefined> =>
  new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', (error) => {
      resolve(systemCode(error) ?? error.message)
    })
    // Exclusive: a cluster must not lend a shared handle that hides a conflict.
    probe.listen({ port, host, exclusive: true }, () => {
      probe.close(() => {
        resolve(undefined)
      })
    })
  })

/** A port that nobody has now, from the range of the system. */
export const freePort = (host = '127.0.0.1'): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ port: 0, host }, () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => {
        resolve(port)
      })
    })
  })

/** Refuses before anything is started, and names every port at once so that nobody has to try port by port. */
export const assertPortsFree = async (
  ports: StackPorts,
  names: readonly PortName[],
): Promise<void> => {
  const refusals = await Promise.all(
    names.map(async (name) => ({ name, port: ports[name], why: await portRefusal(ports[name]) })),
  )
  const taken = refusals.filter((refusal) => refusal.why !== undefined)
  if (taken.length === 0) return
  const list = taken.map((refusal) => `${String(refusal.port)} (${refusal.name})`).join(', ')
  throw new StackError(
    'PORT_IN_USE',
    `${taken.length === 1 ? 'Port' : 'Ports'} ${list} on 127.0.0.1 ${taken.length === 1 ? 'is' : 'are'} in use by another program; stop it, or choose others with --port-base N.`,
  )
}

/** Below the range from which systems hand out ephemeral ports (Linux: 32768): nobody takes one while its server is down. */
const lowestFreeBase = 12_000
const highestFreeBase = 32_000

/** A base none of whose ports anybody has now. */
export const freePortBase = async (): Promise<number> => {
  const bases = (highestFreeBase - lowestFreeBase) / baseWidth
  for (;;) {
    const base = lowestFreeBase + baseWidth * Math.floor(Math.random() * bases)
    const refusals = await Promise.all(
      Object.values(portsFrom(base)).map((port: number) => portRefusal(port)),
    )
    if (refusals.every((refusal) => refusal === undefined)) return base
  }
}
