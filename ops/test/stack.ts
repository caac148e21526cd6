/**
 * What integration tests know of the servers: their environment, as every process gets it.
 *
 *   const config = readConfig(stackEnvironment())
 *   const topic = uniqueName('orders')
 */
import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    stackEnvironment: Readonly<Record<string, string>>
  }
}

/** KAFKA_BROKERS, SCHEMA_REGISTRY_URL, CLICKHOUSE_URL and their logins. */
export const stackEnvironment = (): Readonly<Record<string, string>> => inject('stackEnvironment')

/** A name no other test of any run has: the servers are shared. Good for topics, groups, tables. */
export const uniqueName = (prefix: string): string => `${prefix}-${randomBytes(6).toString('hex')}`
