/** Every error leaves as a problem document, and only what someone must act on is logged. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { ApiProblem, foreignDocument, toDocument } from './problem.ts'
import { toProblem } from './validation.ts'
import type { ApiInstance } from './ports.ts'

const mediaType = 'application/problem+json'

export const handleErrors = (app: ApiInstance): void => {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const problem = problemOf(error, request)
    if (problem !== undefined) return send(problem, request, reply)
    const status = error.statusCode ?? 500
    const document = foreignDocument(status, error.message, request.url)
    return reply.code(status).type(mediaType).send(JSON.stringify(document))
  })

  app.setNotFoundHandler((request, reply) => {
    const detail = `there is no ${request.method} ${request.url.split('?', 1)[0] ?? ''}; /docs lists what there is`
    return send(new ApiProblem('unknown-path', detail), request, reply)
  })
}

/** Undefined for an error of the framework that has a status of its own (413, 415, ...). */
const problemOf = (error: FastifyError, request: FastifyRequest): ApiProblem | undefined => {
  if (error instanceof ApiProblem) return error
  if (error.validation !== undefined) return toProblem(error.validation, knownParameters(request))
  if (error.statusCode !== undefined && error.statusCode < 500) return undefined
  return new ApiProblem('internal', 'this is a mistake in Millrace; its log has the details', {
    cause: error,
  })
}

const knownParameters = (request: FastifyRequest): string[] => {
  const schema = request.routeOptions.schema?.querystring
  const isObject = typeof schema === 'object' && schema !== null && 'properties' in schema
  return isObject ? Object.keys(schema.properties as object) : []
}

const send = (problem: ApiProblem, request: FastifyRequest, reply: FastifyReply) => {
  if (problem.code === 'internal') {
    request.log.error({ err: problem.cause ?? problem, path: request.url }, problem.message)
  }
  if (problem.retryAfterSeconds !== undefined) {
    void reply.header('retry-after', String(problem.retryAfterSeconds))
  }
  return reply
    .code(problem.status)
    .type(mediaType)
    .send(JSON.stringify(toDocument(problem, request.url)))
}
