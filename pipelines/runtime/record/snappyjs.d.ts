declare module 'snappyjs' {
  /** Compresses into the raw snappy block format (no framing). */
  export function compress(input: Uint8Array): Uint8Array
  /** Throws when the input is not raw snappy or would exceed `maxLength` bytes. */
  export function uncompress(input: Uint8Array, maxLength?: number): Uint8Array
}
