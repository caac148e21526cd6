/** Why a request is not let in, as a problem that any Fastify scope can answer in its own form. */
import { Problem, type ProblemKind, type ProblemOptions } from '../problem.ts'

export type RefusalCode =
  | 'credentials-missing'
  | 'credentials-refused'
  | 'tenant-refused'
  | 'tenant-invalid'
  | 'not-allowed'
  | 'identity-unavailable'
  | 'too-many-refusals'

const kinds: Readonly<Record<RefusalCode, ProblemKind>> = {
  'credentials-missing': { status: 401, title: 'This needs a key' },
  'credentials-refused': { status: 401, title: 'The key or token is not accepted' },
  'tenant-refused': { status: 403, title: 'This belongs to another tenant' },
  'tenant-invalid': { status: 400, title: 'The tenant is not valid' },
  'not-allowed': { status: 403, title: 'The key or token does not allow this' },
  'too-many-refusals': { status: 429, title: 'This key was refused too often' },
  'identity-unavailable': { status: 503, title: 'Keys and tokens cannot be checked now' },
}

const RETRY_AFTER_SECONDS = 2

/** The message names no secret: it goes to whoever asked, and to logs. */
export class IdentityRefused extends Problem {
  override readonly name = 'IdentityRefused'

  constructor(code: RefusalCode, detail: string, options: ProblemOptions = {}) {
    const kind = kinds[code]
    super(code, kind, detail, {
      ...(kind.status === 503 ? { retryAfterSeconds: RETRY_AFTER_SECONDS } : {}),
      ...options,
    })
  }

  /** RFC 6750. Basic is taken, too, but not asked for: browsers would show a login of their own. */
  get challenge(): string | undefined {
    if (this.status !== 401) return undefined
    const realm = 'Bearer realm="millrace"'
    return this.code === 'credentials-missing' ? realm : `${realm}, error="invalid_token"`
  }
}
