-- Rows of bills, each delivery of them: providers write a month again until its invoice is final.
CREATE TABLE IF NOT EXISTS costs
(
    charge_period_start DateTime64(3, 'UTC') COMMENT 'event time' CODEC(DoubleDelta, ZSTD(1)),
    charge_period_end DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    id String CODEC(ZSTD(1)),
    tenant LowCardinality(String),
    billing_account_id LowCardinality(String),
    billing_account_name LowCardinality(Nullable(String)),
    sub_account_id LowCardinality(Nullable(String)),
    sub_account_name LowCardinality(Nullable(String)),
    service_name LowCardinality(String),
    service_category LowCardinality(Nullable(String)),
    provider LowCardinality(String),
    publisher LowCardinality(Nullable(String)),
    invoice_issuer LowCardinality(Nullable(String)),
    billing_period_start DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    billing_period_end DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    status LowCardinality(String),
    charge_category LowCardinality(String),
    is_correction Bool CODEC(ZSTD(1)),
    charge_description Nullable(String) CODEC(ZSTD(1)),
    charge_frequency LowCardinality(Nullable(String)),
    currency LowCardinality(String),
    billed_cost Decimal(38, 12) CODEC(ZSTD(1)),
    effective_cost Decimal(38, 12) CODEC(ZSTD(1)),
    list_cost Nullable(Decimal(38, 12)) CODEC(ZSTD(1)),
    contracted_cost Nullable(Decimal(38, 12)) CODEC(ZSTD(1)),
    pricing_quantity Nullable(Decimal(38, 12)) CODEC(ZSTD(1)),
    pricing_unit LowCardinality(Nullable(String)),
    consumed_quantity Nullable(Decimal(38, 12)) CODEC(ZSTD(1)),
    consumed_unit LowCardinality(Nullable(String)),
    list_unit_price Nullable(Decimal(38, 12)) CODEC(ZSTD(1)),
    contracted_unit_price Nullable(Decimal(38, 12)) CODEC(ZSTD(1)),
    pricing_category LowCardinality(Nullable(String)),
    commitment_discount_id Nullable(String) CODEC(ZSTD(1)),
    commitment_discount_type LowCardinality(Nullable(String)),
    commitment_discount_status LowCardinality(Nullable(String)),
    region_id LowCardinality(Nullable(String)),
    availability_zone LowCardinality(Nullable(String)),
    resource_id Nullable(String) CODEC(ZSTD(1)),
    resource_name Nullable(String) CODEC(ZSTD(1)),
    resource_type LowCardinality(Nullable(String)),
    sku_id Nullable(String) CODEC(ZSTD(1)),
    sku_price_id Nullable(String) CODEC(ZSTD(1)),
    invoice_id Nullable(String) CODEC(ZSTD(1)),
    tags Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    extra Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    source LowCardinality(String),
    export LowCardinality(String),
    as_of DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    source_id String CODEC(ZSTD(1)),
    _topic_id LowCardinality(String),
    _partition Int32 CODEC(T64, ZSTD(1)),
    _offset Int64 CODEC(Delta, ZSTD(1)),
    _ingested_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    INDEX by_offset _offset TYPE minmax GRANULARITY 1,
    INDEX by_charge_period charge_period_start TYPE minmax GRANULARITY 1,
    INDEX by_id id TYPE bloom_filter GRANULARITY 1,
    INDEX by_resource resource_id TYPE bloom_filter GRANULARITY 1,
    INDEX by_tag mapValues(tags) TYPE bloom_filter GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(_ingested_at)
ORDER BY (tenant, billing_period_start, service_name, billing_account_id, charge_period_start)
TTL toDateTime(_ingested_at) + INTERVAL 1200 DAY
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;

-- The newest delivery of each export and billing period, as a view over the table finds it.
CREATE TABLE IF NOT EXISTS cost_deliveries
(
    tenant LowCardinality(String),
    export LowCardinality(String),
    billing_period_start DateTime64(3, 'UTC'),
    as_of SimpleAggregateFunction(max, DateTime64(3, 'UTC')),
    last_ingested SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (tenant, export, billing_period_start)
TTL toDateTime(last_ingested) + INTERVAL 1200 DAY
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS cost_deliveries_from_costs TO cost_deliveries AS
SELECT
    tenant,
    export,
    c.billing_period_start AS billing_period_start,
    max(c.as_of) AS as_of,
    max(c._ingested_at) AS last_ingested
FROM costs AS c
GROUP BY tenant, export, billing_period_start;

-- What each bill says now: the newest delivery alone, and each row of it once.
CREATE OR REPLACE VIEW costs_latest AS
SELECT * FROM costs
WHERE (tenant, export, billing_period_start, as_of) IN (
    SELECT tenant, export, billing_period_start, max(as_of)
    FROM cost_deliveries
    GROUP BY tenant, export, billing_period_start
)
LIMIT 1 BY tenant, billing_period_start, service_name, id;
