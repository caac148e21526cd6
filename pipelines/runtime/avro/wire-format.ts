/**
 * The Confluent wire format: byte 0, the schema id as big-endian int32, the Avro body.
 * https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/
 */
export const WIRE_HEADER_BYTES = 5

export const wireFaults = { 'not-confluent-avro': -1, truncated: -2 } as const

export type WireFault = keyof typeof wireFaults

/** The schema id of the value in [start, end), or a member of `wireFaults`. */
export const schemaIdAt = (buffer: Uint8Array, start: number, end: number): number => {
  if (end <= start || end > buffer.length) return wireFaults.truncated
  if (buffer[start] !== 0) return wireFaults['not-confluent-avro']
  if (end - start < WIRE_HEADER_BYTES) return wireFaults.truncated
  const id =
    (buffer[start + 1]! << 24) |
    (buffer[start + 2]! << 16) |
    (buffer[start + 3]! << 8) |
    buffer[start + 4]!
  // Ids are positive; the top bit set means that something else begins with a zero byte.
  return id < 0 ? wireFaults['not-confluent-avro'] : id
}

export const wireFaultName = (fault: number): WireFault =>
  fault === wireFaults.truncated ? 'truncated' : 'not-confluent-avro'

/** Writes the 5 bytes at `pos`; the caller has checked that they fit. */
export const writeWireHeader = (buffer: Uint8Array, pos: number, schemaId: number): void => {
  buffer[pos] = 0
  buffer[pos + 1] = schemaId >>> 24
  buffer[pos + 2] = schemaId >>> 16
  buffer[pos + 3] = schemaId >>> 8
  buffer[pos + 4] = schemaId
}
