-- How to read the values of a series: gauge, counter, delta; 'unspecified' for what came before.
ALTER TABLE metrics ADD COLUMN IF NOT EXISTS kind LowCardinality(String) DEFAULT 'unspecified' AFTER unit;

ALTER TABLE series
    ADD COLUMN IF NOT EXISTS kind SimpleAggregateFunction(anyLast, String) DEFAULT 'unspecified' AFTER unit;

ALTER TABLE series_from_metrics MODIFY QUERY
SELECT
    tenant,
    name,
    series,
    anyLast(m.labels) AS labels,
    anyLast(m.unit) AS unit,
    anyLast(m.kind) AS kind,
    min(m.timestamp) AS first_seen,
    max(m.timestamp) AS last_seen,
    max(m._ingested_at) AS last_ingested,
    toUInt64(count()) AS points
FROM metrics AS m
GROUP BY tenant, name, series;
