/**
 * Every failure of this room is a KafkaError: `code` is the broker's error name (kafka.apache.org/
 * protocol#protocol_error_codes) or one of ours, `retryable` says whether the same call may succeed
 * later without anybody acting.
 */

interface BrokerError {
  readonly code: string
  readonly retryable: boolean
}

const retryable = (code: string): BrokerError => ({ code, retryable: true })
const fatal = (code: string): BrokerError => ({ code, retryable: false })

/** Index in the protocol -> name. Those that no request of ours can meet are left out. */
const BROKER_ERRORS: Readonly<Record<number, BrokerError>> = {
  [-1]: fatal('UNKNOWN_SERVER_ERROR'),
  1: fatal('OFFSET_OUT_OF_RANGE'),
  2: retryable('CORRUPT_MESSAGE'),
  3: retryable('UNKNOWN_TOPIC_OR_PARTITION'),
  4: fatal('INVALID_FETCH_SIZE'),
  5: retryable('LEADER_NOT_AVAILABLE'),
  6: retryable('NOT_LEADER_OR_FOLLOWER'),
  7: retryable('REQUEST_TIMED_OUT'),
  8: retryable('BROKER_NOT_AVAILABLE'),
  9: retryable('REPLICA_NOT_AVAILABLE'),
  10: fatal('MESSAGE_TOO_LARGE'),
  13: retryable('NETWORK_EXCEPTION'),
  14: retryable('COORDINATOR_LOAD_IN_PROGRESS'),
  15: retryable('COORDINATOR_NOT_AVAILABLE'),
  16: retryable('NOT_COORDINATOR'),
  17: fatal('INVALID_TOPIC_EXCEPTION'),
  18: fatal('RECORD_LIST_TOO_LARGE'),
  19: retryable('NOT_ENOUGH_REPLICAS'),
  20: retryable('NOT_ENOUGH_REPLICAS_AFTER_APPEND'),
  21: fatal('INVALID_REQUIRED_ACKS'),
  22: fatal('ILLEGAL_GENERATION'),
  23: fatal('INCONSISTENT_GROUP_PROTOCOL'),
  24: fatal('INVALID_GROUP_ID'),
  25: fatal('UNKNOWN_MEMBER_ID'),
  26: fatal('INVALID_SESSION_TIMEOUT'),
  27: fatal('REBALANCE_IN_PROGRESS'),
  28: fatal('INVALID_COMMIT_OFFSET_SIZE'),
  29: fatal('TOPIC_AUTHORIZATION_FAILED'),
  30: fatal('GROUP_AUTHORIZATION_FAILED'),
  31: fatal('CLUSTER_AUTHORIZATION_FAILED'),
  32: fatal('INVALID_TIMESTAMP'),
  33: fatal('UNSUPPORTED_SASL_MECHANISM'),
  34: fatal('ILLEGAL_SASL_STATE'),
  35: fatal('UNSUPPORTED_VERSION'),
  36: fatal('TOPIC_ALREADY_EXISTS'),
  37: fatal('INVALID_PARTITIONS'),
  38: fatal('INVALID_REPLICATION_FACTOR'),
  39: fatal('INVALID_REPLICA_ASSIGNMENT'),
  40: fatal('INVALID_CONFIG'),
  41: retryable('NOT_CONTROLLER'),
  42: fatal('INVALID_REQUEST'),
  43: fatal('UNSUPPORTED_FOR_MESSAGE_FORMAT'),
  44: fatal('POLICY_VIOLATION'),
  45: fatal('OUT_OF_ORDER_SEQUENCE_NUMBER'),
  46: fatal('DUPLICATE_SEQUENCE_NUMBER'),
  47: fatal('INVALID_PRODUCER_EPOCH'),
  48: fatal('INVALID_TXN_STATE'),
  49: fatal('INVALID_PRODUCER_ID_MAPPING'),
  50: fatal('INVALID_TRANSACTION_TIMEOUT'),
  51: retryable('CONCURRENT_TRANSACTIONS'),
  52: fatal('TRANSACTION_COORDINATOR_FENCED'),
  53: fatal('TRANSACTIONAL_ID_AUTHORIZATION_FAILED'),
  54: fatal('SECURITY_DISABLED'),
  55: fatal('OPERATION_NOT_ATTEMPTED'),
  56: retryable('KAFKA_STORAGE_ERROR'),
  58: fatal('SASL_AUTHENTICATION_FAILED'),
  59: fatal('UNKNOWN_PRODUCER_ID'),
  68: fatal('NON_EMPTY_GROUP'),
  69: fatal('GROUP_ID_NOT_FOUND'),
  70: retryable('FETCH_SESSION_ID_NOT_FOUND'),
  71: retryable('INVALID_FETCH_SESSION_EPOCH'),
  72: retryable('LISTENER_NOT_FOUND'),
  73: fatal('TOPIC_DELETION_DISABLED'),
  74: retryable('FENCED_LEADER_EPOCH'),
  75: retryable('UNKNOWN_LEADER_EPOCH'),
  76: fatal('UNSUPPORTED_COMPRESSION_TYPE'),
  77: retryable('STALE_BROKER_EPOCH'),
  78: retryable('OFFSET_NOT_AVAILABLE'),
  79: fatal('MEMBER_ID_REQUIRED'),
  80: retryable('PREFERRED_LEADER_NOT_AVAILABLE'),
  81: fatal('GROUP_MAX_SIZE_REACHED'),
  82: fatal('FENCED_INSTANCE_ID'),
  84: retryable('ELECTION_NOT_NEEDED'),
  86: fatal('GROUP_SUBSCRIBED_TO_TOPIC'),
  87: fatal('INVALID_RECORD'),
  88: retryable('UNSTABLE_OFFSET_COMMIT'),
  89: retryable('THROTTLING_QUOTA_EXCEEDED'),
  90: fatal('PRODUCER_FENCED'),
  91: fatal('RESOURCE_NOT_FOUND'),
  97: fatal('UNACCEPTABLE_CREDENTIAL'),
  100: retryable('UNKNOWN_TOPIC_ID'),
}

export interface KafkaErrorOptions extends ErrorOptions {
  readonly retryable?: boolean
}

export class KafkaError extends Error {
  override readonly name: string = 'KafkaError'
  readonly code: string
  readonly retryable: boolean

  constructor(code: string, message: string, options: KafkaErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.retryable = options.retryable ?? false
  }
}

/** `INVALID_...` for a protocol error number; unknown numbers keep the number in the name. */
export const brokerErrorCode = (errorCode: number): string =>
  BROKER_ERRORS[errorCode]?.code ?? `BROKER_ERROR_${String(errorCode)}`

/** `subject` says what was asked, e.g. "Produce to telemetry.metrics/3". */
export function brokerError(
  errorCode: number,
  subject: string,
  detail?: string | null,
): KafkaError {
  const known = BROKER_ERRORS[errorCode]
  const code = brokerErrorCode(errorCode)
  const reason = detail === undefined || detail === null || detail === '' ? '' : `: ${detail}`
  return new KafkaError(code, `${subject} was refused by Kafka with ${code}${reason}`, {
    retryable: known?.retryable ?? false,
  })
}

export function throwOnBrokerError(
  errorCode: number,
  subject: string,
  detail?: string | null,
): void {
  if (errorCode !== 0) throw brokerError(errorCode, subject, detail)
}

/** The cached leader, coordinator or address is no longer right: look it up again. */
export const isRoutingError = (error: unknown): boolean =>
  error instanceof KafkaError && ROUTING_CODES.has(error.code)

const ROUTING_CODES = new Set([
  'NOT_LEADER_OR_FOLLOWER',
  'LEADER_NOT_AVAILABLE',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'REPLICA_NOT_AVAILABLE',
  'KAFKA_STORAGE_ERROR',
  'NOT_COORDINATOR',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_CONTROLLER',
  'BROKER_UNREACHABLE',
  'BROKER_UNKNOWN',
  'CONNECTION_LOST',
  'REQUEST_TIMED_OUT',
])

export const isRetryable = (error: unknown): boolean =>
  error instanceof KafkaError && error.retryable
