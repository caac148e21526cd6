/** Why a request is not let in, as an error that any Fastify scope can answer in its own form. */

export type RefusalCode =
  | 'credentials-missing'
  | 'credentials-refused'
  | 'tenant-refused'
  | 'tenant-invalid'
  | 'not-allowed'
  | 'identity-unavailable'

const answers = {
  'credentials-missing': { status: 401, title: 'This needs a key' },
  'credentials-refused': { status: 401, title: 'The key or token is not accepted' },
  'tenant-refused': { status: 403, title: 'This belongs to another tenant' },
  'tenant-invalid': { status: 400, title: 'The tenant is not valid' },
  'not-allowed': { status: 403, title: 'The key or token does not allow this' },
  'identity-unavailable': { status: 503, title: 'Keys and tokens cannot be checked now' },
} as const satisfies Record<RefusalCode, { readonly status: number; readonly title: string }>

const RETRY_AFTER_SECONDS = 2

/** The message names no secret: it goes to whoever asked, and to logs. */
export class IdentityRefused extends Error {
  override readonly name = 'IdentityRefused'
  readonly code: RefusalCode
  /** Read by Fastify, too. */
  readonly statusCode: 400 | 401 | 403 | 503
  readonly title: string

  constructor(code: RefusalCode, detail: string) {
    super(detail)
    this.code = code
    this.statusCode = answers[code].status
    this.title = answers[code].title
  }

  get headers(): Readonly<Record<string, string>> {
    if (this.statusCode === 401) return { 'www-authenticate': this.#challenge }
    if (this.statusCode === 503) return { 'retry-after': String(RETRY_AFTER_SECONDS) }
    return {}
  }

  /** RFC 6750. Basic is taken, too, but not asked for: browsers would show a login of their own. */
  get #challenge(): string {
    const realm = 'Bearer realm="millrace"'
    return this.code === 'credentials-missing' ? realm : `${realm}, error="invalid_token"`
  }
}
