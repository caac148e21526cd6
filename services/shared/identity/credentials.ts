/**
 * What a request shows of itself: a key, a token, or nothing. Headers only: what stands in a URL
 * ends in logs.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { looksLikeApiKey, parseApiKey, type ApiKey } from './api-key.ts'

export type Credentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'key'; readonly key: ApiKey }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'malformed'; readonly why: string }

const MAX_TOKEN_CHARACTERS = 8_192
const TOKEN = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/
const BASIC = /^[A-Za-z0-9+/_-]+={0,2}$/

export const credentialsOf = (headers: IncomingHttpHeaders): Credentials => {
  const key = headers['x-api-key']
  const { authorization } = headers
  if (key === undefined && authorization === undefined) return { kind: 'none' }
  if (key !== undefined && authorization !== undefined) {
    return malformed('both X-API-Key and Authorization are given; send one of them')
  }
  if (key !== undefined) {
    return typeof key === 'string' ? keyIn(key.trim()) : malformed('X-API-Key is given twice')
  }
  return authorizationIn(authorization ?? '')
}

const authorizationIn = (text: string): Credentials => {
  const [, scheme = '', value = ''] = /^([A-Za-z-]+) +(\S+) *$/.exec(text) ?? []
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return looksLikeApiKey(value) ? keyIn(value) : tokenIn(value)
    case 'basic':
      return basicIn(value)
    default:
      return malformed('Authorization is neither Bearer nor Basic with one value')
  }
}

/** For senders that can only log in: the password is the key, the user name is not looked at. */
const basicIn = (value: string): Credentials => {
  if (!BASIC.test(value)) return malformed('the value of Authorization: Basic is no base64')
  const login = Buffer.from(value, 'base64').toString()
  const colon = login.indexOf(':')
  if (colon < 0) return malformed('Authorization: Basic holds no user:password')
  return keyIn(login.slice(colon + 1))
}

const keyIn = (text: string): Credentials => {
  const key = parseApiKey(text)
  return key === undefined ? malformed('this is no API key of Millrace') : { kind: 'key', key }
}

const tokenIn = (text: string): Credentials => {
  if (text.length > MAX_TOKEN_CHARACTERS) {
    return malformed(`the token is longer than ${MAX_TOKEN_CHARACTERS} characters`)
  }
  return TOKEN.test(text)
    ? { kind: 'token', token: text }
    : malformed('the value of Authorization: Bearer is neither an API key nor a signed token')
}

const malformed = (why: string): Credentials => ({ kind: 'malformed', why })
