/**
 * The environment of every process, read once, checked, frozen and passed down.
 *
 * C1: nothing else reads process.env. C2: a wrong setting stops the process before it connects to
 * anything, naming variable, value and way out. C3: secrets never stand in a message or a log line.
 */
import { readFileSync } from 'node:fs'
import { envSchema } from 'env-schema'
import type { XStatic } from 'typebox/schema'
import type { ForeignFormat } from '../../pipelines/intake/foreign-records.ts'
import { EXIT, messageOf, ServiceError } from './errors.ts'
import { isLoopback } from './identity/local-access.ts'
import { isRole } from './identity/principal.ts'
import { isReference, type LiveSecret, Secrets, type SecretPlace } from './secrets/secrets.ts'

const port = { type: 'integer', minimum: 1, maximum: 65535 } as const
const text = { type: 'string' } as const
const named = { type: 'string', minLength: 1 } as const
const brokerList = '^[^\\s:,]+:[0-9]{1,5}(,[^\\s:,]+:[0-9]{1,5})*$'
const tenantList = '^[A-Za-z0-9][A-Za-z0-9._-]*(,[A-Za-z0-9][A-Za-z0-9._-]*)*$'
const httpUrl = '^https?://[^\\s/]+'
const namedUrls = '^[a-z][a-z0-9-]*=https?://[^\\s,]+(,[a-z][a-z0-9-]*=https?://[^\\s,]+)*$'
const tenantPatterns = '^!?[A-Za-z0-9._*?-]+(,!?[A-Za-z0-9._*?-]+)*$'
const foreignTopic =
  '[A-Za-z0-9._-]{1,249}=(?:otlp-metrics|otlp-logs|otlp-traces|cloudevents)(?:@[A-Za-z0-9][A-Za-z0-9._-]*)?'
const foreignTopics = `^${foreignTopic}(?:,${foreignTopic})*$`
const identifier = '^[A-Za-z_][A-Za-z0-9_]*$'
// Only with key pairs: a token signed with a shared secret could be made by whoever checks it.
const signature = '((RS|PS|ES)(256|384|512)|EdDSA)'
const signatureList = `^${signature}(,${signature})*$`
const reference = '^(file|env|vault):.+$'
const tenantSeries =
  '^[A-Za-z0-9][A-Za-z0-9._-]*=[1-9][0-9]{0,6}/[1-9][0-9]{0,6}(,[A-Za-z0-9][A-Za-z0-9._-]*=[1-9][0-9]{0,6}/[1-9][0-9]{0,6})*$'
const roleMap =
  '^[^=,]+=(viewer|operator|approver|admin)(,[^=,]+=(viewer|operator|approver|admin))*$'
const hookSecret = '(gitlab|github|argocd):[A-Za-z0-9][A-Za-z0-9._-]{0,127}=(file|env|vault):[^,]+'
const hookSecretList = `^${hookSecret}(,${hookSecret})*$`

/** Patterns as people read them: "... must be <this>". */
const patternWords: Readonly<Record<string, string>> = {
  [brokerList]: 'host:port, several separated by commas',
  [tenantList]:
    'names of letters, digits, dots, dashes and underscores, several separated by commas',
  [httpUrl]: 'a URL like http://127.0.0.1:8123 or https://example.org',
  [namedUrls]: 'name=http://host:port, several separated by commas',
  [tenantPatterns]: 'names, maybe with * and ? in them or ! before them, separated by commas',
  [foreignTopics]:
    'topic=format or topic=format@tenant, several separated by commas; formats are otlp-metrics, otlp-logs, otlp-traces, cloudevents',
  [identifier]: 'a name of letters, digits and underscores',
  [signatureList]: 'RS256, PS256, ES256 (or 384, 512) or EdDSA, several separated by commas',
  [hookSecretList]:
    'source:tenant=reference, several separated by commas; sources: gitlab, github, argocd',
  [reference]: 'a reference: file:/path, env:NAME or vault:MOUNT/PATH#FIELD',
  [tenantSeries]: 'tenant=total/new per minute, several separated by commas',
  [roleMap]: 'group=role, several separated by commas; roles: viewer, operator, approver, admin',
}

// JSON Schema itself, and TypeBox for its types alone: every process reads this first, and the library's builders would cost each
// of them 20 MB and 80 ms.
const withDefault = {
  KAFKA_BROKERS: { ...text, default: '127.0.0.1:9092', pattern: brokerList },
  KAFKA_CLIENT_ID: { ...named, default: 'millrace' },
  KAFKA_SSL: { type: 'boolean', default: false },
  SCHEMA_REGISTRY_URL: {
    ...text,
    default: 'http://127.0.0.1:8081/apis/ccompat/v7',
    pattern: httpUrl,
  },
  CLICKHOUSE_URL: { ...text, default: 'http://127.0.0.1:8123', pattern: httpUrl },
  CLICKHOUSE_USERNAME: { ...text, default: 'default' },
  CLICKHOUSE_DATABASE: { ...text, default: 'millrace', pattern: identifier },
  MILLRACE_HOST: { ...named, default: '127.0.0.1' },
  API_PORT: { ...port, default: 8080 },
  SECRETS_REFRESH_SECONDS: { type: 'integer', default: 10, minimum: 1, maximum: 86400 },
  MILLRACE_ANONYMOUS: { type: 'boolean', default: true },
  OIDC_AUDIENCE: { ...named, default: 'millrace' },
  OIDC_ALGORITHMS: { ...text, default: 'RS256,PS256,ES256,EdDSA', pattern: signatureList },
  OIDC_CLOCK_SKEW_SECONDS: { type: 'integer', default: 30, minimum: 0, maximum: 600 },
  OIDC_TENANT_CLAIM: { ...named, default: 'tenant' },
  OIDC_ROLES_CLAIM: { ...named, default: 'roles' },
  OIDC_KINDS_CLAIM: { ...named, default: 'kinds' },
  GATEWAY_PORT: { ...port, default: 4318 },
  GATEWAY_URL: { ...text, default: 'http://127.0.0.1:4318', pattern: httpUrl },
  SHOP_PORT: { ...port, default: 8090 },
  GATEWAY_BODY_BYTES: { type: 'integer', default: 20971520, minimum: 1024, maximum: 268435456 },
  GATEWAY_PENDING_BYTES: { type: 'integer', default: 67108864, minimum: 1048576 },
  GATEWAY_KEY_REQUESTS: { type: 'integer', default: 10000, minimum: 1 },
  GATEWAY_KEY_BYTES: { type: 'integer', default: 104857600, minimum: 1024 },
  GATEWAY_SERIES: { type: 'integer', default: 200000, minimum: 1, maximum: 2000000 },
  GATEWAY_NEW_SERIES: { type: 'integer', default: 10000, minimum: 1, maximum: 2000000 },
  API_KEY_REQUESTS: { type: 'integer', default: 100, minimum: 1 },
  GATEWAY_WAIT_SECONDS: { type: 'integer', default: 10, minimum: 1, maximum: 300 },
  MILLRACE_DEMO: { type: 'boolean', default: true },
  TENANTS: { ...text, default: 'default', pattern: tenantList },
  // History and simulations are nothing to wake anybody for.
  WEBHOOK_TENANTS: { ...text, default: '*,!replay-*,!sim-*', pattern: tenantPatterns },
  MILLRACE_PARTITIONS: { type: 'integer', default: 4, minimum: 1, maximum: 10_000 },
  LOG_LEVEL: {
    type: 'string',
    enum: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    default: 'info',
  },
} as const

const optional = {
  KAFKA_SSL_CA_FILE: text,
  KAFKA_SASL_MECHANISM: { type: 'string', enum: ['plain', 'scram-sha-256', 'scram-sha-512'] },
  KAFKA_SASL_USERNAME: text,
  KAFKA_SASL_PASSWORD: text,
  KAFKA_SASL_PASSWORD_FILE: text,
  SCHEMA_REGISTRY_USERNAME: text,
  SCHEMA_REGISTRY_PASSWORD: text,
  SCHEMA_REGISTRY_PASSWORD_FILE: text,
  CLICKHOUSE_PASSWORD: text,
  CLICKHOUSE_PASSWORD_FILE: text,
  METRICS_PORT: port,
  MILLRACE_PROCESSES: { ...text, pattern: namedUrls },
  WEBHOOK_URL: text,
  WEBHOOK_SECRET: text,
  WEBHOOK_SECRET_FILE: text,
  MILLRACE_DATA: text,
  GATEWAY_WEBHOOK_SECRETS: { ...text, pattern: hookSecretList },
  MILLRACE_INTAKE_TOPICS: { ...text, pattern: foreignTopics },
  GATEWAY_KEY: { ...text, pattern: reference },
  TLS_CERT: { ...text, pattern: reference },
  TLS_KEY: { ...text, pattern: reference },
  TLS_CLIENT_CA: { ...text, pattern: reference },
  VAULT_ADDR: { ...text, pattern: httpUrl },
  VAULT_TOKEN: { ...text, pattern: reference },
  VAULT_NAMESPACE: named,
  OIDC_ISSUER: { ...text, pattern: httpUrl },
  GATEWAY_TENANT_SERIES: { ...text, pattern: tenantSeries },
  OIDC_ROLE_MAP: { ...text, pattern: roleMap },
} as const

const environment = {
  type: 'object',
  properties: { ...withDefault, ...optional },
  required: Object.keys(withDefault),
}

type Environment = {
  readonly [Name in keyof typeof withDefault]: XStatic<(typeof withDefault)[Name]>
} & {
  readonly [Name in keyof typeof optional]?: XStatic<(typeof optional)[Name]>
}

/** As process.env has it. */
export type RawEnvironment = Readonly<Record<string, string | undefined>>

const invalid = (message: string, cause?: unknown): ServiceError =>
  new ServiceError({ code: 'CONFIG_INVALID', exitCode: EXIT.usage, message, cause })

interface SchemaProblem {
  readonly instancePath: string
  readonly message?: string
  readonly params: {
    readonly allowedValues?: readonly string[]
    readonly pattern?: string
  }
}

const isSecretName = (name: string): boolean =>
  /PASSWORD|SECRET|WEBHOOK_URL|TLS_KEY|GATEWAY_KEY$|VAULT_TOKEN/.test(name)

const describeProblem = (problem: SchemaProblem, raw: RawEnvironment): string => {
  const name = problem.instancePath.slice(1)
  const shown = isSecretName(name) ? 'set' : `"${raw[name] ?? ''}"`
  const { allowedValues, pattern } = problem.params
  const words = pattern === undefined ? undefined : patternWords[pattern]
  if (words !== undefined) return `${name} is ${shown} but must be ${words}`
  const choices = allowedValues === undefined ? '' : `: ${allowedValues.join(', ')}`
  return `${name} is ${shown} but ${problem.message ?? 'is invalid'}${choices}`
}

/** Only our variables, and an empty one counts as unset (compose files pass `NAME=`). */
const ownVariables = (raw: RawEnvironment): Record<string, string> => {
  const own: Record<string, string> = {}
  for (const name of Object.keys(environment.properties)) {
    const value = raw[name]
    if (value !== undefined && value !== '') own[name] = value
  }
  return own
}

const validate = (raw: RawEnvironment): Environment => {
  try {
    return envSchema<Environment>({ schema: environment, data: ownVariables(raw), env: false })
  } catch (error) {
    const problems = (error as { errors?: readonly SchemaProblem[] }).errors ?? []
    if (problems.length === 0) throw error
    const list = problems.map((problem) => describeProblem(problem, raw)).join('; ')
    throw invalid(`Invalid configuration: ${list}. Correct or unset the variable.`)
  }
}

const readText = (name: string, path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw invalid(
      `${name} names ${path}, which cannot be read (${messageOf(error)}). Correct the path or its permissions.`,
      error,
    )
  }
}

type SecretName =
  | 'KAFKA_SASL_PASSWORD'
  | 'SCHEMA_REGISTRY_PASSWORD'
  | 'CLICKHOUSE_PASSWORD'
  | 'WEBHOOK_SECRET'
  | 'WEBHOOK_URL'

type SecretOf = (
  name: SecretName,
  faultOf?: NonNullable<SecretPlace['faultOf']>,
) => LiveSecret | undefined

/** A variable holds a reference or the secret itself, which is as good as `env:` and its own name; `..._FILE` is `file:`. */
const secretsOf =
  (env: Environment, secrets: Secrets): SecretOf =>
  (name, faultOf) => {
    const value = env[name]
    const file = name === 'WEBHOOK_URL' ? undefined : env[`${name}_FILE`]
    if (value !== undefined && file !== undefined) {
      throw invalid(`Both ${name} and ${name}_FILE are set. Unset one of them.`)
    }
    const at = faultOf === undefined ? {} : { faultOf }
    if (file !== undefined) {
      return secrets.at({ ...at, name: `${name}_FILE`, reference: `file:${file}` })
    }
    if (value === undefined) return undefined
    if (isReference(value)) return secrets.at({ ...at, name, reference: value })
    const fault = faultOf?.(value)
    if (fault !== undefined) throw invalid(`${name} is set but ${fault}. Correct or unset it.`)
    return secrets.at({ ...at, name, reference: `env:${name}` })
  }

const MIN_SIGNING_CHARACTERS = 16

const faultOfSigningSecret = (text: string): string | undefined =>
  text.length < MIN_SIGNING_CHARACTERS
    ? `has fewer than ${MIN_SIGNING_CHARACTERS} characters`
    : undefined

const urlOf = (env: Environment, name: 'SCHEMA_REGISTRY_URL' | 'CLICKHOUSE_URL'): string => {
  const url = URL.parse(env[name])
  if (!url) throw invalid(`${name} is "${env[name]}", which is no URL. Use http://host:port.`)
  if (url.username || url.password) {
    const room = name.replace('_URL', '')
    throw invalid(
      `${name} carries credentials, which would show up in logs. Use ${room}_USERNAME and ${room}_PASSWORD or ${room}_PASSWORD_FILE.`,
    )
  }
  return env[name].replace(/\/+$/, '')
}

const saslOf = (env: Environment, secretOf: SecretOf) => {
  const mechanism = env.KAFKA_SASL_MECHANISM
  const username = env.KAFKA_SASL_USERNAME
  const password = secretOf('KAFKA_SASL_PASSWORD')
  if (mechanism === undefined && username === undefined && password === undefined) return undefined
  if (mechanism === undefined || username === undefined || password === undefined) {
    throw invalid(
      'SASL needs KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD (or KAFKA_SASL_PASSWORD_FILE) together. Set the missing ones or unset all.',
    )
  }
  return { mechanism, username, password }
}

const tlsOf = (env: Environment) => {
  const caFile = env.KAFKA_SSL_CA_FILE
  if (!env.KAFKA_SSL) {
    if (caFile === undefined) return undefined
    throw invalid('KAFKA_SSL_CA_FILE is set but KAFKA_SSL is not true. Set KAFKA_SSL=true.')
  }
  return { ca: caFile === undefined ? undefined : readText('KAFKA_SSL_CA_FILE', caFile) }
}

const registryLoginOf = (env: Environment, secretOf: SecretOf) => {
  const username = env.SCHEMA_REGISTRY_USERNAME
  const password = secretOf('SCHEMA_REGISTRY_PASSWORD')
  if (username === undefined && password === undefined) return undefined
  if (username === undefined || password === undefined) {
    throw invalid(
      'The registry login needs SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD (or SCHEMA_REGISTRY_PASSWORD_FILE) together. Set the missing one or unset both.',
    )
  }
  return { username, password }
}

/** `worker=http://127.0.0.1:9464,sink=...`: the processes whose health the API reports. */
const processesOf = ({ MILLRACE_PROCESSES: list = '' }: Environment) =>
  list
    .split(',')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const cut = pair.indexOf('=')
      return { name: pair.slice(0, cut), url: pair.slice(cut + 1) }
    })

/** `otlp_metrics=otlp-metrics@team-a,...`: topics that other programs write. */
const foreignTopicsOf = ({ MILLRACE_INTAKE_TOPICS: list = '' }: Environment) => {
  const topics = list
    .split(',')
    .filter((each) => each !== '')
    .map((each) => {
      const [topic = '', what = ''] = each.split('=')
      const [format = '', tenant = 'default'] = what.split('@')
      return { topic, format: format as ForeignFormat, tenant }
    })
  const twice = topics.find(({ topic }, at) => topics.findIndex((t) => t.topic === topic) !== at)
  if (twice === undefined) return topics
  throw invalid(`MILLRACE_INTAKE_TOPICS names ${twice.topic} twice. Name each topic once.`)
}

const webhookOf = (env: Environment, secretOf: SecretOf) => {
  const secret = secretOf('WEBHOOK_SECRET', faultOfSigningSecret)
  // A secret: receivers put tokens into its path.
  const url = secretOf('WEBHOOK_URL', faultOfWebhookUrl)
  if (url !== undefined) return { url, secret, tenants: env.WEBHOOK_TENANTS.split(',') }
  if (secret === undefined) return undefined
  throw invalid('WEBHOOK_SECRET is set but WEBHOOK_URL is not. Set the URL or unset the secret.')
}

const faultOfWebhookUrl = (text: string): string | undefined => {
  const url = URL.parse(text)
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    return 'is no URL like https://host/path'
  }
  if (!url.username && !url.password) return undefined
  return 'carries a user name or password, which requests may not have there; use a token in its path, or WEBHOOK_SECRET to sign'
}

/** `github:shop=file:/run/secrets/github`: what webhooks of a source are signed with, and whose they are then. */
const webhookSecretsOf = ({ GATEWAY_WEBHOOK_SECRETS: list = '' }: Environment, secrets: Secrets) =>
  list
    .split(',')
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [colon, equals] = [entry.indexOf(':'), entry.indexOf('=')]
      return {
        source: entry.slice(0, colon),
        tenant: entry.slice(colon + 1, equals),
        secret: secrets.at({
          name: 'GATEWAY_WEBHOOK_SECRETS',
          reference: entry.slice(equals + 1),
          faultOf: faultOfSigningSecret,
        }),
      }
    })

/** Who issues tokens, and what their claims mean; undefined: only API keys are taken. */
const tokensOf = (env: Environment) => {
  const issuer = env.OIDC_ISSUER
  if (issuer === undefined) return undefined
  const url = URL.parse(issuer)
  if (url?.protocol !== 'https:' && !isLoopback(url?.hostname ?? '')) {
    throw invalid(
      `OIDC_ISSUER is "${issuer}", over which anybody on the way could change its keys. Use https://.`,
    )
  }
  const pairs = (env.OIDC_ROLE_MAP ?? '').split(',').filter((pair) => pair !== '')
  const roleOf = pairs.map((pair) => pair.split('='))
  return {
    issuer,
    audience: env.OIDC_AUDIENCE,
    algorithms: env.OIDC_ALGORITHMS.split(','),
    clockSkewSeconds: env.OIDC_CLOCK_SKEW_SECONDS,
    tenantClaim: env.OIDC_TENANT_CLAIM,
    rolesClaim: env.OIDC_ROLES_CLAIM,
    kindsClaim: env.OIDC_KINDS_CLAIM,
    roleOf: Object.fromEntries(
      roleOf.flatMap(([group = '', role]) => (isRole(role) ? [[group, role] as const] : [])),
    ),
  }
}

/** `acme=500000/20000`: as many series, and as many new ones a minute. */
const tenantSeriesOf = ({ GATEWAY_TENANT_SERIES: list = '' }: Environment) =>
  Object.fromEntries(
    list
      .split(',')
      .filter((pair) => pair !== '')
      .map((pair) => {
        const [tenant = '', total, newPerMinute] = pair.split(/[=/]/)
        return [tenant, { total: Number(total), newPerMinute: Number(newPerMinute) }] as const
      }),
  )

const tlsListenersOf = (env: Environment, secrets: Secrets) => {
  const { TLS_CERT: cert, TLS_KEY: key, TLS_CLIENT_CA: clientCa } = env
  if (cert === undefined && key === undefined && clientCa === undefined) return undefined
  if (cert === undefined || key === undefined) {
    throw invalid('TLS needs TLS_CERT and TLS_KEY together. Set the missing one or unset all.')
  }
  return {
    cert: secrets.at({ name: 'TLS_CERT', reference: cert }),
    key: secrets.at({ name: 'TLS_KEY', reference: key }),
    clientCa:
      clientCa === undefined
        ? undefined
        : secrets.at({ name: 'TLS_CLIENT_CA', reference: clientCa }),
  }
}

const vaultOf = (env: Environment) => {
  const { VAULT_ADDR: given, VAULT_TOKEN: token, VAULT_NAMESPACE: namespace } = env
  if (given === undefined && token === undefined) return undefined
  if (given === undefined || token === undefined) {
    throw invalid('Vault needs VAULT_ADDR and VAULT_TOKEN. Set the missing one or unset both.')
  }
  if (token.startsWith('vault:')) {
    throw invalid('VAULT_TOKEN cannot itself be in Vault. Use file:/path or env:NAME.')
  }
  return { address: given.replace(/\/+$/, ''), token, namespace }
}

const structure = (env: Environment, secrets: Secrets, secretOf: SecretOf) => ({
  /** All that stand below, to be read again together. */
  secrets,
  kafka: {
    brokers: env.KAFKA_BROKERS.split(','),
    clientId: env.KAFKA_CLIENT_ID,
    tls: tlsOf(env),
    sasl: saslOf(env, secretOf),
  },
  schemaRegistry: { url: urlOf(env, 'SCHEMA_REGISTRY_URL'), login: registryLoginOf(env, secretOf) },
  clickhouse: {
    url: urlOf(env, 'CLICKHOUSE_URL'),
    username: env.CLICKHOUSE_USERNAME,
    password: secretOf('CLICKHOUSE_PASSWORD'),
    database: env.CLICKHOUSE_DATABASE,
  },
  /** Address to listen on; loopback unless told otherwise. */
  host: env.MILLRACE_HOST,
  apiPort: env.API_PORT,
  /** Of all listeners. Undefined: they speak plain HTTP. */
  tls: tlsListenersOf(env, secrets),
  /** How often references are looked at for a change. */
  secretsRefreshMs: env.SECRETS_REFRESH_SECONDS * 1000,
  /** Of one key or user at the API, in a second. */
  apiKeyRequests: env.API_KEY_REQUESTS,
  /** Whether requests of this machine need no key where the server listens on loopback. */
  anonymous: env.MILLRACE_ANONYMOUS,
  tokens: tokensOf(env),
  /** Where the demo shop sends its telemetry, without a slash at the end. */
  gatewayUrl: env.GATEWAY_URL.replace(/\/+$/, ''),
  /** API key that it sends there. */
  gatewayKey:
    env.GATEWAY_KEY === undefined
      ? undefined
      : secrets.at({ name: 'GATEWAY_KEY', reference: env.GATEWAY_KEY }),
  shopPort: env.SHOP_PORT,
  gateway: {
    port: env.GATEWAY_PORT,
    /** Of one body, before and after decompression. */
    bodyBytes: env.GATEWAY_BODY_BYTES,
    /** Not yet acknowledged by Kafka. */
    pendingBytes: env.GATEWAY_PENDING_BYTES,
    /** How long a request waits for its acknowledgement. */
    waitMs: env.GATEWAY_WAIT_SECONDS * 1000,
    webhookSecrets: webhookSecretsOf(env, secrets),
    /** Of one key or user, in a second. */
    keyRequests: env.GATEWAY_KEY_REQUESTS,
    keyBytes: env.GATEWAY_KEY_BYTES,
    /** Of one tenant. */
    series: { total: env.GATEWAY_SERIES, newPerMinute: env.GATEWAY_NEW_SERIES },
    seriesByTenant: tenantSeriesOf(env),
  },
  /** Health and metrics of a process that is not the API; each service has its own default. */
  metricsPort: env.METRICS_PORT,
  processes: processesOf(env),
  webhook: webhookOf(env, secretOf),
  /** Folder of the local stack that this process belongs to, if it does. */
  dataDir: env.MILLRACE_DATA,
  /** Whether the host sends what it sees of this machine; ticks it sends in any case. */
  demo: env.MILLRACE_DEMO,
  /** Tenants that get the ticks of the wall clock; the first one owns what is seen of this machine. */
  liveTenants: env.TENANTS.split(','),
  /** Partition count of newly created `spread` topics. */
  partitions: env.MILLRACE_PARTITIONS,
  /** Topics that other programs write in formats of their own. */
  foreignTopics: foreignTopicsOf(env),
  logLevel: env.LOG_LEVEL,
})

type DeepReadonly<T> = T extends LiveSecret | Secrets
  ? T
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T

export type Config = DeepReadonly<ReturnType<typeof structure>>

const deepFreeze = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(deepFreeze)
    Object.freeze(value)
  }
  return value
}

/** Reads and checks the whole configuration; throws CONFIG_INVALID. */
export const readConfig = (raw: RawEnvironment = process.env): Config => {
  const env = validate(raw)
  const variable = (name: string) => raw[name]
  const secrets = new Secrets({ vault: vaultOf(env), variable })
  return deepFreeze(structure(env, secrets, secretsOf(env, secrets)))
}

/** Variables that others set and document, such as those of a CI job: as they are. */
export const foreignVariables = <Name extends string>(
  names: readonly Name[],
  raw: RawEnvironment = process.env,
): Readonly<Partial<Record<Name, string>>> =>
  Object.fromEntries(names.map((name) => [name, raw[name]])) as Partial<Record<Name, string>>

/** Adds what the environment does not say, before anybody reads it. */
export const completeEnvironment = (
  missingFrom: (environment: RawEnvironment) => Readonly<Record<string, string>>,
): void => {
  Object.assign(process.env, missingFrom(process.env))
}
