/** Questions to the query API; a failed one throws a `Problem` with words for people. */

import { keyHeaders } from './key.js'

export class Problem extends Error {
  /** @param {string} title @param {string} detail @param {number} [status] */
  constructor(title, detail, status) {
    super(detail)
    this.title = title
    this.status = status
  }
}

/**
 * @param {string} path
 * @param {Record<string, string | number | boolean | undefined>} parameters
 * @param {AbortSignal} signal
 */
export const ask = async (path, parameters, signal) => {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== '') query.set(name, String(value))
  }
  const response = await reach(`${path}?${query}`, signal)
  const body = await response.json().catch(() => ({}))
  if (response.ok) return body
  const { status, statusText } = response
  throw new Problem(body.title ?? `Error ${status}`, body.detail ?? statusText, status)
}

/** @param {string} url @param {AbortSignal} signal */
const reach = async (url, signal) => {
  try {
    return await fetch(url, { signal, headers: { accept: 'application/json', ...keyHeaders() } })
  } catch (error) {
    if (signal.aborted) throw error
    throw new Problem(
      'Millrace does not answer',
      'Is it still running? `npx millrace status` tells; this page goes on by itself when it is back.',
    )
  }
}
