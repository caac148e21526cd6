/**
 * Which series a point belongs to.
 *
 * M1: the identity of a series is the metric's name, what identifies the resource and the scope, and the
 *     attributes of the point, which win where both have a name. All under the names they were sent with.
 * M2: a resource's attribute identifies unless it is known to describe: two resources that would become
 *     one by leaving something out mix their counters, which is worse than a label too many.
 * M3: what only describes is not lost: it stands in the labels of `target_info`, a point for each resource
 *     of a request, as Prometheus has it.
 */
import type { MetricKind } from '../../../schemas/generated/telemetry-metrics.ts'
import { addAttributes, setAttribute, type Attributes } from './any-value.ts'
import { isGiven, type KeyValue, type Resource, type Scope } from './messages.ts'
import { weightOf } from './expansion.ts'
import { addScope } from './resource.ts'

/** More cannot be in a key of 8,192 bytes. */
const MAX_LABELS = 4_096

/** What the points of a metric have in common. */
export interface MetricFamily {
  readonly name: string
  readonly unit: string | null
  readonly kind: MetricKind
  readonly source: MetricSource
}

/** Who measures: labels of every point of a resource and scope. */
export interface MetricSource {
  readonly labels: Readonly<Attributes>
  /** What it costs to copy them to a series. */
  readonly weight: number
}

interface Description {
  /** A name, or the beginning of names. */
  readonly name: string
  /** Describes only where this is there, too. */
  readonly beside?: string
}

/** What describes a resource and does not tell it from others, or not beside what does. */
const DESCRIPTIONS: readonly Description[] = [
  { name: 'telemetry.' },
  { name: 'service.version' },
  { name: 'process.', beside: 'service.name' },
  { name: 'os.' },
  { name: 'webengine.' },
  { name: 'host.arch' },
  { name: 'host.cpu.' },
  { name: 'host.id', beside: 'host.name' },
  { name: 'host.image.' },
  { name: 'host.ip' },
  { name: 'host.mac' },
  { name: 'host.type' },
  { name: 'container.command' },
  { name: 'container.image.' },
  { name: 'container.id', beside: 'container.name' },
  { name: 'container.id', beside: 'k8s.container.name' },
  { name: 'container.label.' },
  { name: 'container.runtime' },
  { name: 'cloud.platform' },
  { name: 'cloud.resource_id', beside: 'service.name' },
  { name: 'deployment.id' },
  { name: 'deployment.name' },
  { name: 'vcs.' },
  { name: 'cicd.' },
  { name: 'browser.' },
  { name: 'user_agent.' },
]
/** `k8s.pod.uid`, `k8s.pod.start_time`, `k8s.pod.label.team`, `k8s.deployment.annotation.owner`. */
const KUBERNETES_DESCRIPTION = /^k8s\.\w+\.(uid$|start_time$|labels?\.|annotations?\.)/

export const resourceAttributes = (resource: Resource | null | undefined): Attributes => {
  const attributes: Attributes = {}
  addAttributes(attributes, resource?.attributes, MAX_LABELS)
  return attributes
}

/** M2 */
export const identifying = (attributes: Readonly<Attributes>): Attributes => {
  const labels: Attributes = {}
  for (const [name, value] of Object.entries(attributes)) {
    if (identifies(name, attributes)) setAttribute(labels, name, value)
  }
  return labels
}

/** Scopes are told apart by name, not by version: a new version of a library goes on with the series. */
export const sourceOf = (
  resourceLabels: Readonly<Attributes>,
  scope: Scope | null | undefined,
): MetricSource => {
  const labels: Attributes = { ...resourceLabels }
  if (isGiven(scope))
    addScope(labels, { name: scope.name ?? '', attributes: scope.attributes ?? [] })
  return { labels, weight: weightOf(labels) }
}

const identifies = (name: string, attributes: Readonly<Attributes>): boolean =>
  !KUBERNETES_DESCRIPTION.test(name) &&
  !DESCRIPTIONS.some(
    ({ name: description, beside }) =>
      (description.endsWith('.') ? name.startsWith(description) : name === description) &&
      (beside === undefined || Object.hasOwn(attributes, beside)),
  )

export const labelsOf = (
  { source }: MetricFamily,
  attributes: readonly KeyValue[] | null | undefined,
  own?: readonly [name: string, value: string],
): Attributes => {
  const labels: Attributes = { ...source.labels }
  addAttributes(labels, attributes, MAX_LABELS)
  if (own !== undefined) labels[own[0]] = own[1]
  return labels
}
