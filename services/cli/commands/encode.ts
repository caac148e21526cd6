import type { Command } from 'commander'
import type { EncodeOptions } from '../records/encode.ts'
import { onServers } from './on-servers.ts'

export const register = (program: Command): void => {
  onServers(program.command('encode'))
    .argument('<topic>', 'topic whose newest registered schema is used')
    .description('JSON lines on standard input -> Confluent-Avro values, a base64 line each')
    .option('--raw', 'bytes instead, each value after its length (uint32, big-endian)')
    .option('--delimiter <text>', 'bytes instead, this text after each value, as for `kcat -P -D`')
    .option('--with-key', 'put the record key first: key TAB base64; --raw: length and key')
    .option(
      '--key-delimiter <text>',
      'with --delimiter: between key and value, as for `kcat -K`',
      '\t',
    )
    .addHelpText('after', EXAMPLES)
    .action(async (topic: string, options: EncodeOptions) => {
      const { runEncode } = await import('../records/encode.ts')
      await runEncode(topic, options)
    })
}

const EXAMPLES = `
The key decides over the partition. It is UTF-8 text, and producers hash it with murmur2 (Java's
default; librdkafka: partitioner=murmur2_random). With kcat, which takes bytes between delimiters:

  millrace encode telemetry.metrics --with-key --delimiter '<end>' --key-delimiter '<key>' < points.jsonl |
    kcat -P -b 127.0.0.1:9092 -t telemetry.metrics -D '<end>' -K '<key>' -X partitioner=murmur2_random`
