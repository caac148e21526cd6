/** Where what lies in a data folder. One place, so that `up`, `status` and `down` agree. */
import { join, resolve } from 'node:path'

export interface DataLayout {
  readonly root: string
  readonly version: string
  readonly lock: string
  /** What runs, for `status` and `down`. */
  readonly state: string
  /** One pid record per child: what a start after `kill -9` finds and stops. */
  readonly pids: string
  readonly logs: string
  readonly secrets: string
  readonly clickhousePassword: string
  /** The key that the first start makes, for all tenants. */
  readonly apiKey: string
  readonly kafka: string
  readonly registry: string
  readonly clickhouse: string
}

export const layoutOf = (dataDir: string): DataLayout => {
  const root = resolve(dataDir)
  return {
    root,
    version: join(root, 'version'),
    lock: join(root, 'lock'),
    state: join(root, 'stack.json'),
    pids: join(root, 'run'),
    logs: join(root, 'logs'),
    secrets: join(root, 'secrets'),
    clickhousePassword: join(root, 'secrets', 'clickhouse-password'),
    apiKey: join(root, 'secrets', 'api-key'),
    kafka: join(root, 'kafka'),
    registry: join(root, 'registry'),
    clickhouse: join(root, 'clickhouse'),
  }
}
