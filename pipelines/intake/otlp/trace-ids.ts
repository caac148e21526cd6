/** A trace or span id as lower-case hex; undefined when it has another length, or is all zeros, which means none. */
export const hexId = (
  bytes: Uint8Array | null | undefined,
  lengthBytes: 8 | 16,
): string | undefined => {
  if (bytes?.length !== lengthBytes || bytes.every((byte) => byte === 0)) return undefined
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}
