/** Everything that speaks Kafka. Nothing outside this folder knows kafkajs or the wire protocol. */
export type { SaslOptions } from './adapter.ts'
export { KafkaAdmin } from './admin.ts'
export { KafkaCluster } from './cluster.ts'
export type { KafkaClusterOptions, OffsetSpec, RetryLimit, SendOptions } from './cluster.ts'
export { Fetcher } from './fetcher.ts'
export type { FetchedRecords, FetcherOptions } from './fetcher.ts'
export { GroupMember } from './group-member.ts'
export type { GroupMemberOptions, GroupMemberState, TaskSpec } from './group-member.ts'
export { IdempotentProducer, MAX_RECORD_BYTES } from './idempotent-producer.ts'
export type { Delivery, IdempotentProducerOptions, ProducerRecord } from './idempotent-producer.ts'
export { KafkaError } from './kafka-error.ts'
export type { KafkaLogger } from './logger.ts'
export type { DescribedConfig, NewTopic, TopicConfigChange } from './protocol/admin.ts'
export type { TopicPartition, TopicPartitionOffset } from './protocol/api.ts'
export type { Isolation } from './protocol/fetch.ts'
export type { PartitionMetadata, TopicMetadata } from './protocol/metadata.ts'
export type { GroupSession } from './protocol/offsets.ts'
export type { ProducerSession } from './protocol/transactions.ts'
export { isOffsetOutOfRange, readToEnd } from './read-to-end.ts'
export type { ReadProgress, ReadResult, ReadToEndOptions } from './read-to-end.ts'
export { SchemaRegistryClient, UNKNOWN_SCHEMA } from './registry.ts'
export type { SchemaRegistryOptions, SubjectVersion } from './registry.ts'
export type { RegistryConnection } from './registry-http.ts'
export { TransactionError, TransactionalProducer } from './transactional-producer.ts'
export type {
  OutputBatches,
  TransactionCommit,
  TransactionStage,
  TransactionalProducerOptions,
} from './transactional-producer.ts'
export { StreamWorker } from './worker/stream-worker.ts'
export type { StreamWorkerOptions, TaskStatus } from './worker/stream-worker.ts'
