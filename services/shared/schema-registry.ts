/** The schema registry client of a process, from its configuration. */
import { SchemaRegistryClient } from '../../pipelines/runtime/kafka/index.ts'
import type { Config } from './config.ts'

/** Nothing is asked yet; the first look-up does it. */
export const schemaRegistry = ({
  schemaRegistry: { url, login },
}: Pick<Config, 'schemaRegistry'>): SchemaRegistryClient =>
  new SchemaRegistryClient({
    url,
    login: login && { username: login.username, password: login.password.reveal() },
  })
