-- Logs, spans, deployments and alerts, as they arrived: partitioned and expired by arrival, as points are.

-- Text is found by words and by parts of words, whatever their case; ask as the indexes are made:
--   hasToken(lower(message), 'timeout')        a whole word, in lower case
--   lower(message) LIKE '%connection ref%'     three characters or more
CREATE TABLE IF NOT EXISTS logs
(
    tenant LowCardinality(String),
    service LowCardinality(String),
    timestamp DateTime64(3, 'UTC') COMMENT 'event time' CODEC(DoubleDelta, ZSTD(1)),
    level LowCardinality(String),
    message String CODEC(ZSTD(1)),
    labels Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    environment LowCardinality(Nullable(String)),
    trace_id Nullable(String) CODEC(ZSTD(1)),
    span_id Nullable(String) CODEC(ZSTD(1)),
    _topic_id LowCardinality(String),
    _partition Int32 CODEC(T64, ZSTD(1)),
    _offset Int64 CODEC(Delta, ZSTD(1)),
    _ingested_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    INDEX by_offset _offset TYPE minmax GRANULARITY 1,
    INDEX by_timestamp timestamp TYPE minmax GRANULARITY 1,
    INDEX by_level level TYPE set(8) GRANULARITY 1,
    INDEX by_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_label mapValues(labels) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_word lower(message) TYPE tokenbf_v1(32768, 3, 0) GRANULARITY 1,
    INDEX by_part lower(message) TYPE ngrambf_v1(3, 32768, 2, 0) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toDate(_ingested_at)
ORDER BY (tenant, service, timestamp)
TTL toDateTime(_ingested_at) + INTERVAL 30 DAY
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;

-- Every delivery of every span: a retry brings one again, and one that was sent before it had ended
-- comes again with its end.
CREATE TABLE IF NOT EXISTS spans
(
    tenant LowCardinality(String),
    service LowCardinality(String),
    endpoint LowCardinality(String),
    start DateTime64(6, 'UTC') COMMENT 'event time' CODEC(DoubleDelta, ZSTD(1)),
    duration_us Nullable(Int64) COMMENT 'null: it had not ended' CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    parent_span_id Nullable(String) CODEC(ZSTD(1)),
    name LowCardinality(String),
    kind LowCardinality(String),
    status LowCardinality(String),
    method LowCardinality(Nullable(String)),
    status_code Nullable(Int32) CODEC(ZSTD(1)),
    error_type LowCardinality(Nullable(String)),
    error_message Nullable(String) CODEC(ZSTD(1)),
    stack Nullable(String) CODEC(ZSTD(1)),
    peer LowCardinality(Nullable(String)),
    environment LowCardinality(Nullable(String)),
    version LowCardinality(Nullable(String)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    events Array(Tuple(timestamp DateTime64(6, 'UTC'), name String, attributes Map(String, String))) CODEC(ZSTD(1)),
    links Array(Tuple(trace_id String, span_id String, attributes Map(String, String))) CODEC(ZSTD(1)),
    _topic_id LowCardinality(String),
    _partition Int32 CODEC(T64, ZSTD(1)),
    _offset Int64 CODEC(Delta, ZSTD(1)),
    _ingested_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    INDEX by_offset _offset TYPE minmax GRANULARITY 1,
    INDEX by_start start TYPE minmax GRANULARITY 1,
    INDEX by_duration duration_us TYPE minmax GRANULARITY 1,
    INDEX by_status status TYPE set(4) GRANULARITY 1,
    INDEX by_status_code status_code TYPE set(64) GRANULARITY 1,
    INDEX by_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_attribute mapValues(attributes) TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toDate(_ingested_at)
ORDER BY (tenant, service, endpoint, start)
TTL toDateTime(_ingested_at) + INTERVAL 30 DAY
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;

-- Each span once: its newest record that has an end, else its newest. Tenant, service, start and
-- trace never change within a span: conditions on them reach the table's key. It sorts what they
-- leave, so it is for traces and lists; whoever counts days of spans reads `spans`.
CREATE OR REPLACE VIEW spans_latest AS
SELECT * FROM spans
ORDER BY duration_us IS NULL, _ingested_at DESC, _offset DESC
LIMIT 1 BY tenant, service, start, trace_id, span_id;

-- From the id of a trace to when and where it was: with these, `spans` is read by its key.
-- Readers aggregate, since a trace has a row for every day on which parts of it came.
CREATE TABLE IF NOT EXISTS traces
(
    tenant LowCardinality(String),
    trace_id String CODEC(ZSTD(1)),
    day Date COMMENT 'of arrival',
    start SimpleAggregateFunction(min, DateTime64(6, 'UTC')) COMMENT 'of the first span' CODEC(ZSTD(1)),
    last_start SimpleAggregateFunction(max, DateTime64(6, 'UTC')) COMMENT 'of the last span' CODEC(ZSTD(1)),
    services SimpleAggregateFunction(groupUniqArrayArray, Array(String)) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY day
ORDER BY (tenant, trace_id, day)
TTL day + INTERVAL 31 DAY
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS traces_from_spans TO traces AS
SELECT
    tenant,
    trace_id,
    toDate(s._ingested_at) AS day,
    min(s.start) AS start,
    max(s.start) AS last_start,
    groupUniqArray(s.service) AS services
FROM spans AS s
GROUP BY tenant, trace_id, day;

-- Few and looked at for long. The same id is the same event, delivered again.
CREATE TABLE IF NOT EXISTS deployments
(
    tenant LowCardinality(String),
    id String CODEC(ZSTD(1)),
    timestamp DateTime64(3, 'UTC') COMMENT 'event time' CODEC(DoubleDelta, ZSTD(1)),
    service LowCardinality(String),
    environment LowCardinality(Nullable(String)),
    version Nullable(String) CODEC(ZSTD(1)),
    status LowCardinality(String),
    kind LowCardinality(String),
    commit Nullable(String) CODEC(ZSTD(1)),
    ref Nullable(String) CODEC(ZSTD(1)),
    deployed_by Nullable(String) CODEC(ZSTD(1)),
    started_at Nullable(DateTime64(3, 'UTC')),
    finished_at Nullable(DateTime64(3, 'UTC')),
    planned_from Nullable(DateTime64(3, 'UTC')),
    planned_to Nullable(DateTime64(3, 'UTC')),
    url Nullable(String) CODEC(ZSTD(1)),
    source LowCardinality(String),
    source_id String CODEC(ZSTD(1)),
    metadata Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    _topic_id LowCardinality(String),
    _partition Int32 CODEC(T64, ZSTD(1)),
    _offset Int64 CODEC(Delta, ZSTD(1)),
    _ingested_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    INDEX by_offset _offset TYPE minmax GRANULARITY 1,
    INDEX by_timestamp timestamp TYPE minmax GRANULARITY 1,
    INDEX by_id id TYPE bloom_filter GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(_ingested_at)
ORDER BY (tenant, service, timestamp)
TTL toDateTime(_ingested_at) + INTERVAL 400 DAY
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;

-- Not by timestamp: a sender that names none gets the time of its delivery, which a repetition moves.
CREATE OR REPLACE VIEW deployments_latest AS
SELECT * FROM deployments
ORDER BY _ingested_at DESC, _offset DESC
LIMIT 1 BY tenant, service, id;

CREATE TABLE IF NOT EXISTS alerts
(
    tenant LowCardinality(String),
    id String CODEC(ZSTD(1)),
    timestamp DateTime64(3, 'UTC') COMMENT 'event time' CODEC(DoubleDelta, ZSTD(1)),
    fingerprint String CODEC(ZSTD(1)),
    status LowCardinality(String),
    name LowCardinality(String),
    severity LowCardinality(Nullable(String)),
    service LowCardinality(Nullable(String)),
    starts_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    ends_at Nullable(DateTime64(3, 'UTC')),
    labels Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    annotations Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    generator_url Nullable(String) CODEC(ZSTD(1)),
    source LowCardinality(String),
    receiver LowCardinality(Nullable(String)),
    group_key Nullable(String) CODEC(ZSTD(1)),
    _topic_id LowCardinality(String),
    _partition Int32 CODEC(T64, ZSTD(1)),
    _offset Int64 CODEC(Delta, ZSTD(1)),
    _ingested_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    INDEX by_offset _offset TYPE minmax GRANULARITY 1,
    INDEX by_id id TYPE bloom_filter GRANULARITY 1,
    INDEX by_fingerprint fingerprint TYPE bloom_filter GRANULARITY 1,
    INDEX by_service service TYPE bloom_filter GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(_ingested_at)
ORDER BY (tenant, timestamp, id)
TTL toDateTime(_ingested_at) + INTERVAL 400 DAY
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;

CREATE OR REPLACE VIEW alerts_latest AS
SELECT * FROM alerts
ORDER BY _ingested_at DESC, _offset DESC
LIMIT 1 BY tenant, fingerprint, id;
