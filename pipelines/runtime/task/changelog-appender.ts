/** Appends a store's changelog entries to the task's outputs, in the Confluent wire format. */

import { WIRE_HEADER_BYTES, writeWireHeader } from '../avro/wire-format.ts'
import type { ChangelogWriter } from '../stores/changelog.ts'
import type { OutputBuffers } from './output-buffers.ts'

export class ChangelogAppender implements ChangelogWriter {
  readonly #outputs: OutputBuffers
  readonly #topic: string
  readonly #partition: number
  readonly #schemaId: number
  #value = Buffer.alloc(1024)

  constructor(options: {
    readonly outputs: OutputBuffers
    readonly topic: string
    readonly partition: number
    readonly schemaId: number
  }) {
    this.#outputs = options.outputs
    this.#topic = options.topic
    this.#partition = options.partition
    this.#schemaId = options.schemaId
    writeWireHeader(this.#value, 0, this.#schemaId)
  }

  write(key: Buffer, keyStart: number, keyEnd: number, body: Buffer | null, bodyEnd: number): void {
    const keyBytes = keyEnd - keyStart
    if (body === null) {
      const builder = this.#outputs.builderFor(this.#topic, this.#partition, keyBytes)
      builder.append(key, keyStart, keyEnd, null, -1, -1)
      return
    }
    const valueEnd = WIRE_HEADER_BYTES + bodyEnd
    if (this.#value.length < valueEnd) {
      this.#value = Buffer.alloc(valueEnd * 2)
      writeWireHeader(this.#value, 0, this.#schemaId)
    }
    body.copy(this.#value, WIRE_HEADER_BYTES, 0, bodyEnd)
    const builder = this.#outputs.builderFor(this.#topic, this.#partition, keyBytes + valueEnd)
    builder.append(key, keyStart, keyEnd, this.#value, 0, valueEnd)
  }
}
