/** Turns what the schema validator found into one problem a person can act on. */
import type { FastifySchemaValidationError } from 'fastify'
import { commonProblem, invalidParameter, show, type Problem } from '../shared/problem.ts'

interface Finding extends FastifySchemaValidationError {
  /** The offending value; present since the validator runs with `verbose`. */
  readonly data?: unknown
}

export const toProblem = (
  findings: readonly Finding[],
  knownParameters: readonly string[],
): Problem => {
  const finding = findings[0]
  if (finding === undefined) return commonProblem('invalid-request', 'the request is not valid')
  const { params } = finding
  if (finding.keyword === 'additionalProperties') {
    const field = String(params['additionalProperty'])
    const known = knownParameters.join(', ')
    return commonProblem(
      'invalid-request',
      `there is no parameter ${show(field)} here; this path knows ${known || 'none'}`,
      { at: { field, value: null, limit: known } },
    )
  }
  const field = fieldOf(finding)
  return invalidParameter({ field, value: finding.data ?? null, limit: limitOf(finding) })
}

const fieldOf = ({ instancePath, params }: Finding): string => {
  // Which of several values of a parameter it is, the value itself says.
  const path = instancePath
    .slice(1)
    .replace(/\/\d+$/, '')
    .replaceAll('/', '.')
  if (path !== '') return path
  const missing = params['missingProperty']
  return typeof missing === 'string' ? missing : 'request'
}

const limitOf = ({ keyword, params, message }: Finding): string => {
  switch (keyword) {
    case 'enum':
      return `one of ${[params['allowedValues']].flat().join(', ')}`
    case 'minimum':
      return `at least ${String(params['limit'])}`
    case 'maximum':
      return `at most ${String(params['limit'])}`
    case 'maxLength':
      return `at most ${String(params['limit'])} characters long`
    case 'minLength':
      return `at least ${String(params['limit'])} characters long`
    case 'maxItems':
      return `given at most ${String(params['limit'])} times`
    case 'type':
      return `of type ${[params['type']].flat().join(' or ')}`
    case 'pattern':
      return `text that matches ${String(params['pattern'])}`
    default:
      return message ?? keyword
  }
}
