/**
 * W3C Trace Context and Baggage, as they travel in headers: https://www.w3.org/TR/trace-context/.
 *
 * A header that does not follow the standard is as good as none: a request is never refused for it.
 */

export interface RemoteParent {
  readonly traceId: string
  readonly spanId: string
  /** The bits we know: 1 sampled, 2 the trace id is random. Unknown ones must not be passed on. */
  readonly flags: number
  readonly traceState: string | undefined
}

/** As Node has them: names in lower case, repeated ones joined with ", ". */
export type IncomingHeaders = Readonly<Record<string, string | string[] | undefined>>

export const SAMPLED = 1
const KNOWN_FLAGS = 3

const VERSION_00 = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/
/** A later version may say more behind a dash; what we know stands first. */
const LATER_VERSION = /^(?!ff|00)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/
const ZERO_TRACE = '0'.repeat(32)
const ZERO_SPAN = '0'.repeat(16)

/** At least 512 characters must be passed on; more than Node takes for all headers can not come. */
const MAX_TRACE_STATE = 4_096
const MAX_TRACE_STATE_MEMBERS = 32
const MEMBER =
  /^[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/
const MAX_BAGGAGE = 8_192

export const parentOf = (headers: IncomingHeaders): RemoteParent | undefined => {
  const header = headers['traceparent']
  if (typeof header !== 'string') return undefined
  const match = VERSION_00.exec(header) ?? LATER_VERSION.exec(header)
  const [, traceId = ZERO_TRACE, spanId = ZERO_SPAN, flags = '00'] = match ?? []
  if (traceId === ZERO_TRACE || spanId === ZERO_SPAN) return undefined
  return {
    traceId,
    spanId,
    flags: Number.parseInt(flags, 16) & KNOWN_FLAGS,
    traceState: traceStateOf(headers['tracestate']),
  }
}

/** Passed on as it came, or dropped as a whole: half of it would say something else. */
const traceStateOf = (header: string | string[] | undefined): string | undefined => {
  const text = Array.isArray(header) ? header.join(',') : header
  if (text === undefined || text.length > MAX_TRACE_STATE) return undefined
  const members = text.split(',').map((member) => member.trim())
  const filled = members.filter((member) => member !== '')
  if (filled.length === 0 || filled.length > MAX_TRACE_STATE_MEMBERS) return undefined
  return filled.every((member) => MEMBER.test(member)) ? text : undefined
}

/** What callers want to travel along; it needs no trace. */
export const baggageOf = (headers: IncomingHeaders): string | undefined => {
  const header = headers['baggage']
  const text = Array.isArray(header) ? header.join(',') : header
  return text === undefined || text === '' || text.length > MAX_BAGGAGE ? undefined : text
}

export const traceParent = (traceId: string, spanId: string, flags: number): string =>
  `00-${traceId}-${spanId}-0${String(flags)}`
