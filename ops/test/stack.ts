/**
 * What integration tests know of the servers: their environment, as every process gets it.
 *
 *   const config = readConfig(stackEnvironment())
 *   const topic = uniqueName('orders')
 */
import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'

/** TEST_STACK; see stack-setup.ts. */
export type StackKind = 'local' | 'containers' | 'attach'

declare module 'vitest' {
  interface ProvidedContext {
    stackEnvironment: Readonly<Record<string, string>>
    stackKind: StackKind
  }
}

/** KAFKA_BROKERS, SCHEMA_REGISTRY_URL, CLICKHOUSE_URL and their logins. */
export const stackEnvironment = (): Readonly<Record<string, string>> => inject('stackEnvironment')

/** A name no other test of any run has: the servers are shared. Good for topics, groups, tables. */
export const uniqueName = (prefix: string): string => `${prefix}-${randomBytes(6).toString('hex')}`

/**
 * For tests about the servers of `npm start` themselves, which start some of their own to kill: why
 * they do not run here. A machine that runs the others on containers need not have Java.
 */
export const withoutLocalServers = (): string | undefined =>
  inject('stackKind') === 'containers'
    ? 'it kills local servers of its own, and TEST_STACK is "containers"'
    : undefined
