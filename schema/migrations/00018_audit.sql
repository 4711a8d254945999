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

-- +goose Down
SELECT 1;
