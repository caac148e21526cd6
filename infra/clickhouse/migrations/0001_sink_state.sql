-- What the sink knows. See docs/adr/0006-sink-blocks.md.

-- The newest claim ('open') and the newest finished block ('done') of every partition. Blocks of a
-- partition form a chain (each begins behind the one before), so older rows say nothing new and are
-- merged away: the table stays as small as the number of partitions, and needs no TTL, which would
-- forget the position of a quiet partition.
--
-- Not partitioned: deduplication tokens count per table partition, and a claim must be unique in all.
-- The window is far larger than for data: it is the memory that makes a claim compare-and-set.
CREATE TABLE IF NOT EXISTS sink_blocks
(
    topic LowCardinality(String),
    topic_id LowCardinality(String),
    partition Int32,
    state LowCardinality(String) COMMENT 'open: claimed, rows may be missing. done: all rows are in',
    first_offset Int64,
    last_offset Int64,
    rows UInt32 COMMENT 'rows the block has; control records and dead letters are none',
    ingested_at DateTime64(3, 'UTC') COMMENT '_ingested_at of all rows of the block',
    claim_id String COMMENT 'unique per claim: tells the owner that this claim is its own',
    owner String COMMENT 'the process that recorded this row',
    recorded_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(first_offset)
ORDER BY (topic_id, partition, state)
SETTINGS non_replicated_deduplication_window = 100000;

-- Offsets that were wanted and are not there any more. Never removed, only acknowledged.
CREATE TABLE IF NOT EXISTS sink_gaps
(
    topic LowCardinality(String),
    topic_id LowCardinality(String),
    partition Int32,
    kind LowCardinality(String) COMMENT 'retention, topic-recreated, log-truncated, incomplete-block',
    from_offset Int64 COMMENT 'first offset missing',
    to_offset Nullable(Int64) COMMENT 'last offset missing; null when nobody can know',
    detail String,
    acknowledged_by Nullable(String),
    recorded_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(recorded_at)
ORDER BY (topic, topic_id, partition, kind, from_offset)
SETTINGS non_replicated_deduplication_window = 1000;
