/**
 * Who may come without a key: programs on this machine, as long as nobody else can be meant.
 *
 * L1: only where the server listens on loopback: nothing but this machine can connect.
 * L2: not what a proxy passes on: behind it may be anybody. A proxy says so in its headers.
 * L3: not what a browser does for a foreign page: one that was made to take 127.0.0.1 for its own
 *     address (DNS rebinding) says so by `Host`, one that posts across sites by `Origin`.
 */
import type { IncomingHttpHeaders } from 'node:http'

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i
const PROXY_HEADERS = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
]

export const isLoopback = (host: string): boolean => LOOPBACK.test(host)

/** Undefined when the request is one of this machine's own; else why that is not known. */
export const whyNotLocal = (headers: IncomingHttpHeaders): string | undefined => {
  const proxied = PROXY_HEADERS.find((name) => headers[name] !== undefined)
  if (proxied !== undefined) return `it came through a proxy (header ${proxied})`
  const { host, origin } = headers
  if (host !== undefined && !isLoopback(host.replace(/:\d+$/, ''))) {
    return 'its Host is not this machine'
  }
  if (origin !== undefined && !isLoopback(URL.parse(origin)?.hostname ?? '')) {
    return 'its Origin is a page from elsewhere'
  }
  return undefined
}
