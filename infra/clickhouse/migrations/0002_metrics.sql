-- Raw points and the series they belong to.

-- Partitioned and expired by arrival, ordered by event time: replayed history arrives today, and
-- one block of the sink (one _ingested_at) is one part of one partition whatever times it holds.
CREATE TABLE IF NOT EXISTS metrics
(
    tenant LowCardinality(String),
    series FixedString(32) COMMENT 'first 32 hex digits of SHA-256 of the series key' CODEC(ZSTD(1)),
    name LowCardinality(String),
    labels Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    timestamp DateTime64(3, 'UTC') COMMENT 'event time' CODEC(DoubleDelta, ZSTD(1)),
    value Float64 CODEC(Gorilla, ZSTD(1)),
    unit LowCardinality(Nullable(String)),
    _topic_id LowCardinality(String),
    _partition Int32 CODEC(T64, ZSTD(1)),
    _offset Int64 CODEC(Delta, ZSTD(1)),
    _ingested_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    INDEX by_offset _offset TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toDate(_ingested_at)
ORDER BY (tenant, series, timestamp)
TTL toDateTime(_ingested_at) + INTERVAL 30 DAY
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;

-- One row per series after merging; readers aggregate (min, max, sum), since merges are never done.
CREATE TABLE IF NOT EXISTS series
(
    tenant LowCardinality(String),
    name LowCardinality(String),
    series FixedString(32),
    labels SimpleAggregateFunction(anyLast, Map(String, String)),
    unit SimpleAggregateFunction(anyLast, Nullable(String)),
    first_seen SimpleAggregateFunction(min, DateTime64(3, 'UTC')) COMMENT 'event time',
    last_seen SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'event time',
    last_ingested SimpleAggregateFunction(max, DateTime64(3, 'UTC')),
    points SimpleAggregateFunction(sum, UInt64),
    INDEX by_series series TYPE bloom_filter GRANULARITY 1
)
ENGINE = AggregatingMergeTree
ORDER BY (tenant, name, series)
TTL toDateTime(last_ingested) + INTERVAL 400 DAY
SETTINGS non_replicated_deduplication_window = 10000;

-- A repeated block is dropped here too: the token of the block reaches the target of the view.
CREATE MATERIALIZED VIEW IF NOT EXISTS series_from_metrics TO series AS
SELECT
    tenant,
    name,
    series,
    anyLast(m.labels) AS labels,
    anyLast(m.unit) AS unit,
    min(m.timestamp) AS first_seen,
    max(m.timestamp) AS last_seen,
    max(m._ingested_at) AS last_ingested,
    toUInt64(count()) AS points
FROM metrics AS m
GROUP BY tenant, name, series;
