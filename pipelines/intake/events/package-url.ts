/** The name and version in a package URL: `pkg:oci/checkout@sha256%3A0b31...?tag=v1.2.3`. */

export interface PackageName {
  readonly name: string
  /** The tag of an image where there is one, since a digest says little to people. */
  readonly version: string | undefined
}

/** Undefined for text that is no package URL. */
export const packageName = (purl: string): PackageName | undefined => {
  const match = /^pkg:\/*[^/?#]+\/([^?#]+)(?:\?([^#]*))?/i.exec(purl)
  if (match === null) return undefined
  const [, path = '', query = ''] = match
  // An `@` before the last slash is part of a scope: pkg:npm/@scope/name@1.0.
  const at = path.indexOf('@', path.lastIndexOf('/') + 1)
  const [name, version] = at < 0 ? [path, ''] : [path.slice(0, at), path.slice(at + 1)]
  const tag = new URLSearchParams(query).get('tag')
  const decoded = decode(name.slice(name.lastIndexOf('/') + 1))
  if (decoded === '') return undefined
  return { name: decoded, version: tag ?? (decode(version) || undefined) }
}

/** Text that is not encoded as it should be is taken as it is. */
const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
