-- What the pipelines derive. Kept longer than raw points: long ranges read roll-ups.

CREATE TABLE IF NOT EXISTS rollups_1m
(
    tenant LowCardinality(String),
    series FixedString(32) CODEC(ZSTD(1)),
    name LowCardinality(String),
    labels Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    window_start DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    window_end DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    count UInt64 CODEC(T64, ZSTD(1)),
    sum Float64 CODEC(Gorilla, ZSTD(1)),
    min Float64 CODEC(Gorilla, ZSTD(1)),
    max Float64 CODEC(Gorilla, ZSTD(1)),
    mean Float64 CODEC(Gorilla, ZSTD(1)),
    sketch String COMMENT 'mergeable quantile sketch, 1% relative error' CODEC(ZSTD(3)),
    _topic_id LowCardinality(String),
    _partition Int32 CODEC(T64, ZSTD(1)),
    _offset Int64 CODEC(Delta, ZSTD(1)),
    _ingested_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    INDEX by_offset _offset TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(_ingested_at)
ORDER BY (tenant, series, window_start)
TTL toDateTime(_ingested_at) + INTERVAL 400 DAY
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;

-- Every version as it arrived, so that a page can show the band a point was judged by.
CREATE TABLE IF NOT EXISTS baselines
(
    tenant LowCardinality(String),
    series FixedString(32) CODEC(ZSTD(1)),
    name LowCardinality(String),
    labels Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    timestamp DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    expected Float64 CODEC(Gorilla, ZSTD(1)),
    lower Float64 CODEC(Gorilla, ZSTD(1)),
    upper Float64 CODEC(Gorilla, ZSTD(1)),
    spread Float64 CODEC(Gorilla, ZSTD(1)),
    samples UInt64 CODEC(T64, ZSTD(1)),
    detector LowCardinality(String),
    detector_version Int32,
    _topic_id LowCardinality(String),
    _partition Int32 CODEC(T64, ZSTD(1)),
    _offset Int64 CODEC(Delta, ZSTD(1)),
    _ingested_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    INDEX by_offset _offset TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(_ingested_at)
ORDER BY (tenant, series, timestamp)
TTL toDateTime(_ingested_at) + INTERVAL 90 DAY
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;

-- Every revision of every episode. `start` never changes within an episode, so it may narrow a read
-- before the newest revision is chosen.
CREATE TABLE IF NOT EXISTS anomalies
(
    tenant LowCardinality(String),
    id String CODEC(ZSTD(1)),
    revision Int32,
    phase LowCardinality(String),
    series FixedString(32) CODEC(ZSTD(1)),
    name LowCardinality(String),
    labels Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    service LowCardinality(Nullable(String)),
    kind LowCardinality(String),
    timestamp DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    start DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    peak DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    end Nullable(DateTime64(3, 'UTC')),
    value Float64,
    peak_value Float64,
    expected Float64,
    lower Float64,
    upper Float64,
    score Float64,
    severity LowCardinality(String),
    detector LowCardinality(String),
    detector_version Int32,
    config_version Int32,
    config_hash LowCardinality(String),
    evidence Array(Tuple(name String, value Float64, unit Nullable(String), detail Nullable(String))) CODEC(ZSTD(1)),
    message String CODEC(ZSTD(1)),
    _topic_id LowCardinality(String),
    _partition Int32 CODEC(T64, ZSTD(1)),
    _offset Int64 CODEC(Delta, ZSTD(1)),
    _ingested_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    INDEX by_offset _offset TYPE minmax GRANULARITY 1,
    INDEX by_id id TYPE bloom_filter GRANULARITY 1,
    INDEX by_series series TYPE bloom_filter GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(_ingested_at)
ORDER BY (tenant, start, id, revision)
TTL toDateTime(_ingested_at) + INTERVAL 400 DAY
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;

-- Episodes as they stand. A condition on tenant or start reaches the table's key; conditions on
-- what changes (severity, phase, end) see the newest revision only.
CREATE OR REPLACE VIEW anomalies_latest AS
SELECT * FROM anomalies
ORDER BY revision DESC
LIMIT 1 BY tenant, start, id;
