import type { WireReader, WireWriter } from './wire.ts'

/** One request type in one version: how to write the request body and read the response body. */
export interface Api<Request, Response> {
  readonly name: string
  readonly key: number
  readonly version: number
  /** Request header 2, response header 1, compact types (KIP-482). */
  readonly flexible: boolean
  write(writer: WireWriter, request: Request): void
  read(reader: WireReader): Response
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface TopicPartitionOffset extends TopicPartition {
  readonly offset: number
}

/** The protocol nests partitions in topics; callers deal in flat lists. */
export function byTopic<Item extends { readonly topic: string }>(
  items: readonly Item[],
): [topic: string, items: Item[]][] {
  const grouped = new Map<string, Item[]>()
  for (const item of items) {
    const group = grouped.get(item.topic)
    if (group === undefined) grouped.set(item.topic, [item])
    else group.push(item)
  }
  return [...grouped]
}

/** Writes `[topic [partition ...]]`, the commonest shape of all. */
export function writeByTopic<Item extends TopicPartition>(
  writer: WireWriter,
  items: readonly Item[],
  writePartition: (item: Item) => void,
): void {
  writer.array(byTopic(items), ([topic, partitions]) => {
    writer.string(topic)
    writer.array(partitions, (item) => {
      writePartition(item)
      writer.tags()
    })
    writer.tags()
  })
}

/** Reads `[topic [partition ...]]` into a flat list. */
export function readByTopic<Item>(
  reader: WireReader,
  readPartition: (topic: string, partition: number) => Item,
): Item[] {
  return reader
    .array(() => {
      const topic = reader.string()
      const partitions = reader.array(() => {
        const item = readPartition(topic, reader.int32())
        reader.tags()
        return item
      })
      reader.tags()
      return partitions
    })
    .flat()
}
