/**
 * Who speaks: what the attributes of a resource mean, after OpenTelemetry's semantic conventions and
 * what came before them.
 */
import { addAttributes, firstOf, setAttribute, type Attributes } from './any-value.ts'
import { isGiven, type Resource, type Scope } from './messages.ts'

/** Of one map; the rest is counted, not kept. */
export const MAX_ATTRIBUTES = 256
export const UNKNOWN_SERVICE = 'unknown_service'

export interface Origin {
  readonly service: string
  readonly environment: string | null
  readonly version: string | null
  /** As sent. */
  readonly attributes: Readonly<Attributes>
}

export const originOf = (resource: Resource | null | undefined): Origin => {
  const attributes: Attributes = {}
  const left = addAttributes(attributes, resource?.attributes, MAX_ATTRIBUTES)
  countDropped(attributes, 'attributes', left + (resource?.droppedAttributesCount ?? 0))
  return {
    service: firstOf(attributes, 'service.name', 'job', 'app') ?? UNKNOWN_SERVICE,
    environment:
      firstOf(attributes, 'deployment.environment.name', 'deployment.environment') ?? null,
    version: firstOf(attributes, 'service.version') ?? null,
    attributes,
  }
}

/** Where a limit left something out, ours or the sender's, in the words of OpenTelemetry for other protocols. */
export const countDropped = (
  attributes: Attributes,
  what: 'attributes' | 'events' | 'links',
  count: number,
): void => {
  if (count > 0) attributes[`otel.dropped_${what}_count`] = String(count)
}

/** Which library made it: part of the attributes of what it made. */
export const addScope = (target: Attributes, scope: Scope | null | undefined): void => {
  if (!isGiven(scope)) return
  if (isGiven(scope.name) && scope.name !== '') target['otel.scope.name'] = scope.name
  if (isGiven(scope.version) && scope.version !== '') target['otel.scope.version'] = scope.version
  const own: Attributes = {}
  addAttributes(own, scope.attributes, MAX_ATTRIBUTES)
  for (const [name, value] of Object.entries(own)) setAttribute(target, `otel.scope.${name}`, value)
}
