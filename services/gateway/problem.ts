/** The problems that the gateway answers beside those that every server of ours knows. */
import type { FastifyError } from 'fastify'
import { BadInput } from '../../pipelines/intake/bad-input.ts'
import {
  invalidParameter,
  Problem,
  problemOf,
  type ProblemKind,
  type ProblemOptions,
} from '../shared/problem.ts'

export type GatewayProblemCode =
  | 'body-malformed'
  | 'body-too-large'
  | 'body-too-slow'
  | 'bodies-too-many'
  | 'media-type-unknown'
  | 'encoding-unknown'
  | 'request-expands'
  | 'identity-reused'
  | 'sender-over-share'
  | 'kafka-behind'
  | 'not-acknowledged'
  | 'kafka-refused'

const kinds: Readonly<Record<GatewayProblemCode, ProblemKind>> = {
  'body-malformed': { status: 400, title: 'The body is not what its headers say' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'body-too-slow': { status: 408, title: 'The body took too long to arrive' },
  'bodies-too-many': { status: 503, title: 'Too many bodies are being read' },
  'media-type-unknown': { status: 415, title: 'This Content-Type is not taken here' },
  'encoding-unknown': { status: 415, title: 'This Content-Encoding is not taken here' },
  'request-expands': { status: 413, title: 'The request stands for too much' },
  'identity-reused': { status: 422, title: 'The identity belongs to another request' },
  'sender-over-share': { status: 429, title: 'This sender has too much on its way' },
  'kafka-behind': { status: 503, title: 'Kafka does not keep up' },
  'not-acknowledged': { status: 503, title: 'Kafka has not acknowledged in time' },
  'kafka-refused': { status: 503, title: 'Kafka does not take it' },
}

export const gatewayProblem = (
  code: GatewayProblemCode,
  detail: string,
  options?: ProblemOptions,
): Problem => new Problem(code, kinds[code], detail, options)

/** Whatever a door or its ports threw. */
export const doorProblem = (error: FastifyError): Problem =>
  error instanceof BadInput ? invalidParameter(error) : problemOf(error)
