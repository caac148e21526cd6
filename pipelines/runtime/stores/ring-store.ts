/**
 * A `ring` of a pipeline: the last `capacity` numbers per key.
 *
 * Samples are kept in segments of 64; a commit writes only the segments that grew, so a full ring
 * of 1,000 costs half a kilobyte a commit and not eight. One segment more than the capacity needs
 * exists, so that the oldest samples survive while the newest segment fills.
 */

import type { AvroSchema } from '../../../schemas/topic.ts'
import {
  SuffixedKey,
  type ChangelogEntry,
  type ChangelogWriter,
  type KeyedStore,
} from './changelog.ts'
import { DirtyIds } from './dirty-ids.ts'
import type { KeyTable } from './key-table.ts'

const SEGMENT_SAMPLES = 64
/** Nothing is where it belongs in the changelog. */
const REWRITE = -1

export interface Ring {
  /** Samples held now, at most the capacity. */
  readonly length: number
  /** Samples ever pushed. */
  readonly total: number
  push(sample: number): void
  /** 0 is the oldest held sample, `length - 1` the newest. */
  at(index: number): number
}

interface RingState {
  total: number
  /** Positions from here on are not yet in the changelog. */
  flushed: number
  /** Position of the oldest sample there is: a ring that has grown lacks what it dropped before. */
  first: number
  readonly segments: (Float64Array | undefined)[]
}

export class RingStore implements KeyedStore, Ring {
  readonly name: string
  readonly suffixBytes = 2
  readonly schema: AvroSchema
  readonly #capacity: number
  readonly #segmentCount: number
  readonly #rings: (RingState | undefined)[] = []
  readonly #dirty = new DirtyIds()
  readonly #key = new SuffixedKey(2)
  /** While restoring: position behind the segment that stands in each place. */
  readonly #ends = new Map<number, number[]>()
  /** Above every key suffix that was found where another capacity had put it. */
  #strayBound = 0
  readonly #body = Buffer.alloc(8 + 3 + SEGMENT_SAMPLES * 8 + 1)
  #selected: RingState
  #selectedId = -1

  constructor(options: { name: string; capacity: number }) {
    this.name = options.name
    this.#capacity = options.capacity
    this.#segmentCount = Math.ceil(options.capacity / SEGMENT_SAMPLES) + 1
    this.#selected = this.#empty()
    this.schema = {
      type: 'record',
      name: `${options.name}_segment`,
      namespace: 'millrace.state',
      fields: [
        {
          name: 'start',
          type: 'double',
          doc: 'Position of the first sample, counted from the first ever.',
        },
        { name: 'samples', type: { type: 'array', items: 'double' } },
      ],
    }
  }

  get length(): number {
    return Math.min(this.#capacity, this.#selected.total - this.#selected.first)
  }

  get total(): number {
    return this.#selected.total
  }

  push(sample: number): void {
    const ring = this.#selected
    const position = ring.total++
    const index = Math.floor(position / SEGMENT_SAMPLES) % this.#segmentCount
    const segment = (ring.segments[index] ??= new Float64Array(SEGMENT_SAMPLES))
    segment[position % SEGMENT_SAMPLES] = sample
    this.#dirty.add(this.#selectedId)
  }

  at(index: number): number {
    const ring = this.#selected
    const position = ring.total - this.length + index
    const segment = ring.segments[Math.floor(position / SEGMENT_SAMPLES) % this.#segmentCount]
    return segment?.[position % SEGMENT_SAMPLES] ?? Number.NaN
  }

  create(id: number): void {
    this.#rings[id] = this.#empty()
  }

  select(id: number): void {
    this.#selected = this.#rings[id] as RingState
    this.#selectedId = id
  }

  release(id: number, keys: KeyTable, out: ChangelogWriter): void {
    const ring = this.#rings[id] as RingState
    const bound = Math.max(ring.segments.length, this.#strayBound)
    for (let index = 0; index < bound; index++) {
      if (ring.segments[index] === undefined && index >= this.#strayBound) continue
      this.#write(keys, out, { id, index, bodyEnd: -1 })
    }
    this.#rings[id] = undefined
  }

  flush(keys: KeyTable, out: ChangelogWriter): void {
    this.#dirty.drain((id) => {
      const ring = this.#rings[id]
      if (ring === undefined || !keys.isLive(id)) return
      // Segments before that have been written over.
      const held = Math.floor((ring.total - 1) / SEGMENT_SAMPLES) - this.#segmentCount + 1
      const first = Math.max(held, Math.floor(Math.max(ring.flushed, ring.first) / SEGMENT_SAMPLES))
      for (let number = first; number * SEGMENT_SAMPLES < ring.total; number++) {
        const index = number % this.#segmentCount
        this.#write(keys, out, { id, index, bodyEnd: this.#encode(ring, number) })
      }
      ring.flushed = ring.total
    })
  }

  restore(id: number, entry: ChangelogEntry): void {
    if (entry.bodyStart < 0) {
      // Segments are only ever deleted all together, when the key goes.
      this.#rings[id] = this.#empty()
      this.#ends.delete(id)
      return
    }
    const ring = this.#rings[id] as RingState
    const { body, bodyStart } = entry
    const start = body.readDoubleLE(bodyStart)
    const number = Math.floor(start / SEGMENT_SAMPLES)
    // Not where the key says: the ring may have had another capacity when it was written.
    const index = number % this.#segmentCount
    const suffix = entry.key.readUInt16BE(entry.keyEnd - 2)
    const stray = suffix !== index
    if (stray) this.#strayBound = Math.max(this.#strayBound, suffix + 1)
    const count = readCount(body, bodyStart + 8)
    const ends = this.#endsOf(id)
    if (start + count.value < (ends[index] ?? 0)) return
    ends[index] = start + count.value
    const segment = new Float64Array(SEGMENT_SAMPLES)
    const samplesStart = bodyStart + 8 + (count.value === 0 ? 0 : count.bytes)
    for (let sample = 0; sample < count.value; sample++) {
      segment[sample] = body.readDoubleLE(samplesStart + sample * 8)
    }
    ring.segments[index] = segment
    ring.total = Math.max(ring.total, start + count.value)
    // A ring that is laid out anew is written as a whole, before its entries take each other's place.
    ring.flushed = stray || ring.flushed === REWRITE ? REWRITE : ring.total
  }

  markRestored(): void {
    this.#dirty.clear()
    for (const [id, ends] of this.#ends) {
      const ring = this.#rings[id] as RingState
      let number = Math.floor((ring.total - 1) / SEGMENT_SAMPLES)
      // Back as far as whole segments reach.
      while (number > 0 && ends[(number - 1) % this.#segmentCount] === number * SEGMENT_SAMPLES) {
        number -= 1
      }
      ring.first = number * SEGMENT_SAMPLES
    }
    this.#ends.clear()
  }

  #endsOf(id: number): number[] {
    let ends = this.#ends.get(id)
    if (ends === undefined) this.#ends.set(id, (ends = []))
    return ends
  }

  #empty(): RingState {
    return { total: 0, flushed: 0, first: 0, segments: [] }
  }

  #write(
    keys: KeyTable,
    out: ChangelogWriter,
    entry: { id: number; index: number; bodyEnd: number },
  ): void {
    const suffixAt = this.#key.start(keys, entry.id)
    this.#key.bytes.writeUInt16BE(entry.index, suffixAt)
    const body = entry.bodyEnd < 0 ? null : this.#body
    out.write(this.#key.bytes, 0, this.#key.length, body, Math.max(entry.bodyEnd, 0))
  }

  /** Avro body of one segment; returns its end. An array is one block and its end marker. */
  #encode(ring: RingState, segmentNumber: number): number {
    const start = segmentNumber * SEGMENT_SAMPLES
    const count = Math.min(SEGMENT_SAMPLES, ring.total - start)
    const segment = ring.segments[segmentNumber % this.#segmentCount] as Float64Array
    let offset = this.#body.writeDoubleLE(start, 0)
    offset = writeCount(this.#body, offset, count)
    for (let index = 0; index < count; index++) {
      offset = this.#body.writeDoubleLE(segment[index] as number, offset)
    }
    return this.#body.writeUInt8(0, offset)
  }
}

/** Zigzag varint of a small non-negative count (at most 64, so at most two bytes). */
const writeCount = (body: Buffer, offset: number, count: number): number => {
  const zigzag = count * 2
  if (zigzag < 128) return body.writeUInt8(zigzag, offset)
  return body.writeUInt8(zigzag >>> 7, body.writeUInt8((zigzag & 127) | 128, offset))
}

const readCount = (body: Buffer, offset: number): { value: number; bytes: number } => {
  const first = body.readUInt8(offset)
  if (first < 128) return { value: first / 2, bytes: 1 }
  return { value: ((first & 127) | (body.readUInt8(offset + 1) << 7)) / 2, bytes: 2 }
}
