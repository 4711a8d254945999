-- Who can be reached where, from counts.

-- +goose Up

-- What an attempt that was not skipped says of its message's person. The kinds are difference and quarter (00011_editions.sql); counts add up, and a person
-- is in where their sum is positive. person: the hash of the account, a NUL byte and the person (xxHash64); other: that of the account and the recipient, with the
-- bits of person turned over (XOR), which is 0 where both are one. Erasing a number renames it. way: channel, app and provider with NUL bytes between.
-- delivered_ms: 0 where it was not delivered. Of an attempt with an error code (docs/definitions.md section 5): told_ms when that was told, failed_ms when the attempt
-- started, if it failed; else both are 0. messages: 1 in one row of a message. version: what its edition is to its account and day, so that readers compare one number.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS rollup_people
(
    account LowCardinality(String), kind Enum8('difference' = 0, 'quarter' = 1, 'day' = 2, 'route' = 3), day Date CODEC(Delta, ZSTD(1)),
    edition UInt64 CODEC(Delta, ZSTD(1)), bucket DateTime('UTC') CODEC(Delta, ZSTD(1)), cohort DateTime('UTC') CODEC(Delta, ZSTD(1)),
    person UInt64 CODEC(ZSTD(1)), other UInt64 CODEC(ZSTD(1)), way LowCardinality(String) CODEC(ZSTD(1)),
    delivered_ms Int64 CODEC(Delta, ZSTD(1)), error_code LowCardinality(String) CODEC(ZSTD(1)), told_ms Int64 CODEC(ZSTD(1)), failed_ms Int64 CODEC(ZSTD(1)),
    attempts Int32 CODEC(ZSTD(1)), messages Int32 CODEC(ZSTD(1)),
    version UInt64 MATERIALIZED cityHash64(account, day, edition) CODEC(Delta, ZSTD(1)),
    INDEX by_bucket bucket TYPE minmax GRANULARITY 1, INDEX by_edition edition TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (account, kind, day, edition, bucket, cohort);
-- +goose StatementEnd
-- +goose StatementBegin
CREATE MATERIALIZED VIEW IF NOT EXISTS rollup_people_to_days TO day_changes AS
SELECT account, day, edition, count() AS cells FROM rollup_people WHERE kind = 'difference' GROUP BY account, day, edition;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS whole_people AS rollup_people
ENGINE = MergeTree ORDER BY edition TTL toDateTime(intDiv(edition, 1000000)) + INTERVAL 1 DAY SETTINGS ttl_only_drop_parts = 1;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
