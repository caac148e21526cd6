/** What systems that deploy have in common: versions, labels that name a service, long texts. */

const VERSION = /^v?\d+\.\d+\.\d+(?:[-+.][\w.+-]+)?$/i
const SERVICE_LABEL = /^service:{1,2}\s*(\S.*)$/i
const TAG_REF = 'refs/tags/'
const MAX_REMARK = 1_000

/** A ref that reads as a version, else the commit. */
export const versionOf = (ref: string | undefined, commit: string | undefined) => {
  if (ref?.startsWith(TAG_REF) === true) return ref.slice(TAG_REF.length)
  return ref !== undefined && VERSION.test(ref) ? ref : commit
}

/** `service:checkout`, or GitLab's scoped `service::checkout`: the first one. */
export const serviceOfLabels = (labels: readonly string[]): string | undefined =>
  labels.map((label) => SERVICE_LABEL.exec(label)?.[1]).find((name) => name !== undefined)

/** `shop/checkout` and `https://host/shop/checkout.git` are about `checkout`. */
export const lastPart = (path: string): string => {
  const trimmed = path.replace(/\/+$/, '').replace(/\.git$/, '')
  return trimmed.slice(trimmed.lastIndexOf('/') + 1) || path
}

/** A remark for people: the beginning is enough. */
export const remark = (text: string | undefined): string | undefined =>
  text !== undefined && text.length > MAX_REMARK ? `${text.slice(0, MAX_REMARK)}...` : text
