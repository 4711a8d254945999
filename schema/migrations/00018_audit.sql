-- What the aggregator compares with facts by itself, and where states of quiet hours are kept.

-- +goose Up

-- Looks at hours of an account: their messages were computed from facts and compared with what is published. differences
-- counts what was found twice; then the hours were computed whole.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS audits
(
    at DateTime64(3, 'UTC') DEFAULT now64(3), account LowCardinality(String), day Date, due Bool, hours UInt32, messages UInt64,
    differences UInt64
)
ENGINE = MergeTree
ORDER BY at
TTL toDateTime(at) + INTERVAL 400 DAY;
-- +goose StatementEnd

-- States of messages that nothing changed for long, moved out of message_states: found by a scan that many share. The
-- greatest edition of a key counts, unless message_states has the key. Rows count for hours whose cold in cold_hours is 2.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS settled_states
(
    bucket DateTime('UTC') CODEC(Delta, ZSTD(1)), key String CODEC(ZSTD(3)), state String CODEC(ZSTD(3)),
    edition UInt64 CODEC(Delta, ZSTD(1)), INDEX by_edition edition TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(edition)
PARTITION BY toYYYYMM(bucket)
ORDER BY key;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
