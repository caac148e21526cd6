/**
 * What a request asked for, with few distinct values, where no framework tells its route.
 *
 * Segments that look like ids become `{id}`: `/orders/4711/lines` is `/orders/{id}/lines`. Whatever
 * comes, a process has no more than so many endpoints of this kind (a scanner asks for anything).
 */

const MAX_ENDPOINTS = 200
const MAX_LENGTH = 200
const MAX_SEGMENTS = 12
const OTHERS = '/{other}'

/** Numbers, UUIDs, hashes and tokens; words and versions (`v2`) are none. */
const looksLikeId = (segment: string): boolean =>
  segment.length > 40 ||
  segment.includes('%') ||
  segment.includes('@') ||
  /^[0-9][0-9._:-]*$/.test(segment) ||
  /^(?=.*[0-9])[0-9a-f-]{8,}$/i.test(segment) ||
  /^(?=.*[0-9])(?=.*[a-z])[0-9a-z_-]{16,}$/i.test(segment)

export const shapeOf = (path: string): string => {
  const segments = path.split('/')
  const cut = segments.slice(0, MAX_SEGMENTS).map((one) => (looksLikeId(one) ? '{id}' : one))
  const shape = cut.join('/').slice(0, MAX_LENGTH)
  return segments.length > MAX_SEGMENTS ? `${shape}/...` : shape
}

export class Endpoints {
  readonly #known = new Set<string>()

  of(path: string): string {
    const shape = shapeOf(path)
    if (this.#known.has(shape)) return shape
    if (this.#known.size >= MAX_ENDPOINTS) return OTHERS
    this.#known.add(shape)
    return shape
  }
}

/** Without the query, which may carry secrets, and no longer than is useful. */
export const pathOf = (url: string): string => {
  const end = url.search(/[?#]/)
  return (end === -1 ? url : url.slice(0, end)).slice(0, 1_024)
}
