/**
 * Configuration of the embedded ClickHouse server.
 *
 * C1: the engine's own session logs in as `default` without a password from 127.0.0.1 and cannot be told otherwise, so `default`
 *     may do nothing but open the listeners and wait. Everybody else is `millrace`, with the password.
 * C2: no `logger.*` setting: the engine refuses them.
 */
import { createHash } from 'node:crypto'
import { escapeXml } from './xml.ts'

export const clickhouseUser = 'millrace'

export interface ClickhouseConfigInput {
  readonly dataDir: string
  readonly usersFile: string
  readonly memoryBytes: number
}

const mebibyte = 1024 * 1024

export const renderClickhouseConfig = (input: ClickhouseConfigInput): string => {
  const settings: Readonly<Record<string, string | number>> = {
    path: `${input.dataDir}/`,
    users_config: input.usersFile,
    max_server_memory_usage: input.memoryBytes,
    mark_cache_size: 16 * mebibyte,
    index_mark_cache_size: 4 * mebibyte,
    uncompressed_cache_size: 0,
    index_uncompressed_cache_size: 0,
    primary_index_cache_size: 16 * mebibyte,
    query_condition_cache_size: 4 * mebibyte,
    mmap_cache_size: 0,
    compiled_expression_cache_size: 16 * mebibyte,
    compiled_expression_cache_elements_size: 256,
    max_concurrent_queries: 64,
    max_connections: 128,
    max_thread_pool_size: 256,
    max_thread_pool_free_size: 8,
    background_pool_size: 2,
    background_merges_mutations_concurrency_ratio: 2,
    background_schedule_pool_size: 4,
    background_message_broker_schedule_pool_size: 1,
    background_distributed_schedule_pool_size: 1,
    background_buffer_flush_schedule_pool_size: 1,
    background_fetches_pool_size: 1,
    background_common_pool_size: 2,
    background_move_pool_size: 1,
    tables_loader_foreground_pool_size: 2,
    tables_loader_background_pool_size: 2,
  }
  const lines = Object.entries(settings).map(
    ([name, value]) => `  <${name}>${escapeXml(String(value))}</${name}>`,
  )
  // A merge may need at most half of what free pool entries allow; with a small pool the defaults would forbid merges at all.
  return `<clickhouse>
${lines.join('\n')}
  <merge_tree>
    <number_of_free_entries_in_pool_to_execute_mutation>2</number_of_free_entries_in_pool_to_execute_mutation>
    <number_of_free_entries_in_pool_to_lower_max_size_of_merge>2</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
    <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>2</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
    <max_bytes_to_merge_at_max_space_in_pool>2147483648</max_bytes_to_merge_at_max_space_in_pool>
  </merge_tree>
</clickhouse>
`
}

export const renderClickhouseUsers = (password: string): string => {
  const hash = createHash('sha256').update(password).digest('hex')
  const loopback = '<networks><ip>127.0.0.1</ip><ip>::1</ip></networks>'
  return `<clickhouse>
  <profiles>
    <default>
      <max_memory_usage>${String(256 * mebibyte)}</max_memory_usage>
      <max_threads>2</max_threads>
      <max_insert_threads>1</max_insert_threads>
      <date_time_input_format>best_effort</date_time_input_format>
    </default>
    <idle><max_threads>1</max_threads></idle>
  </profiles>
  <quotas><default></default></quotas>
  <users>
    <default>
      <password></password>
      ${loopback}
      <profile>idle</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT SYSTEM LISTEN ON *.*</query>
        <query>GRANT SELECT ON system.numbers</query>
      </grants>
    </default>
    <${clickhouseUser}>
      <password_sha256_hex>${hash}</password_sha256_hex>
      ${loopback}
      <profile>default</profile>
      <quota>default</quota>
    </${clickhouseUser}>
  </users>
</clickhouse>
`
}
