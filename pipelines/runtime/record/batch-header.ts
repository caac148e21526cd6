/**
 * Layout of a version 2 record batch (kafka.apache.org/documentation/#recordbatch): byte positions
 * from the start of the batch. The CRC covers everything behind its own field.
 */
export const BASE_OFFSET_AT = 0
export const BATCH_LENGTH_AT = 8
export const LEADER_EPOCH_AT = 12
export const MAGIC_AT = 16
export const CRC_AT = 17
export const ATTRIBUTES_AT = 21
export const LAST_OFFSET_DELTA_AT = 23
export const BASE_TIMESTAMP_AT = 27
export const MAX_TIMESTAMP_AT = 35
export const PRODUCER_ID_AT = 43
export const PRODUCER_EPOCH_AT = 51
export const BASE_SEQUENCE_AT = 53
export const RECORD_COUNT_AT = 57
/** Where the records begin: the size of the batch header. */
export const RECORDS_AT = 61

/** Bytes before `batchLength` starts to count: base offset and the length itself. */
export const LENGTH_OVERHEAD = 12

export const COMPRESSION_MASK = 0x07
export const LOG_APPEND_TIME_BIT = 0x08
export const TRANSACTIONAL_BIT = 0x10
export const CONTROL_BIT = 0x20

/** Sequence numbers run from 0 to 2^31-1 and wrap. */
export const nextSequence = (sequence: number, records: number): number =>
  (sequence + records) % 0x8000_0000
