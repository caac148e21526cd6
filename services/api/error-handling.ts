/** Every error leaves as a problem document. */
import type { FastifyError, FastifyRequest } from 'fastify'
import {
  commonProblem,
  foreignDocument,
  internalProblem,
  Problem,
  PROBLEM_MEDIA_TYPE,
  sendProblem,
} from '../shared/problem.ts'
import { toProblem } from './validation.ts'
import type { ApiInstance } from './ports.ts'

export const handleErrors = (app: ApiInstance): void => {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const problem = problemOf(error, request)
    if (problem !== undefined) return sendProblem(problem, request, reply)
    const status = error.statusCode ?? 500
    const document = foreignDocument(status, error.message, request.url)
    return reply.code(status).type(PROBLEM_MEDIA_TYPE).send(JSON.stringify(document))
  })

  app.setNotFoundHandler((request, reply) => {
    const detail = `there is no ${request.method} ${request.url.split('?', 1)[0] ?? ''}; /docs lists what there is`
    return sendProblem(commonProblem('unknown-path', detail), request, reply)
  })
}

/** Undefined for an error of the framework that has a status of its own (413, 415, ...). */
const problemOf = (error: FastifyError, request: FastifyRequest): Problem | undefined => {
  if (error instanceof Problem) return error
  if (error.validation !== undefined) return toProblem(error.validation, knownParameters(request))
  if (error.statusCode !== undefined && error.statusCode < 500) return undefined
  return internalProblem(error)
}

const knownParameters = (request: FastifyRequest): string[] => {
  const schema = request.routeOptions.schema?.querystring
  const isObject = typeof schema === 'object' && schema !== null && 'properties' in schema
  return isObject ? Object.keys(schema.properties as object) : []
}
