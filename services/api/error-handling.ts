/** Every error leaves as a problem document. */
import type { FastifyError, FastifyRequest } from 'fastify'
import { commonProblem, problemOf, sendProblem } from '../shared/problem.ts'
import { toProblem } from './validation.ts'
import type { ApiInstance } from './ports.ts'

export const handleErrors = (app: ApiInstance): void => {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const { validation } = error
    const problem =
      validation === undefined ? problemOf(error) : toProblem(validation, knownParameters(request))
    return sendProblem(problem, request, reply)
  })

  app.setNotFoundHandler((request, reply) => {
    const detail = `there is no ${request.method} ${request.url.split('?', 1)[0] ?? ''}; /docs lists what there is`
    return sendProblem(commonProblem('unknown-path', detail), request, reply)
  })
}

const knownParameters = (request: FastifyRequest): string[] => {
  const schema = request.routeOptions.schema?.querystring
  const isObject = typeof schema === 'object' && schema !== null && 'properties' in schema
  return isObject ? Object.keys(schema.properties as object) : []
}
