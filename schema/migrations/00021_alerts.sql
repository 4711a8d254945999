-- Alerts: when a figure of an account was out of the ordinary, and to whom each was told.

-- +goose Up

-- An alert is written when it begins, and once more, with until_ms, when it ends: of an id the greatest seq counts. id follows from account, rule, what the
-- rule tells apart and since_ms, so a writer that died and found the same writes the same. One writer gives seq, which only grows. keys: names of what the
-- rule tells apart; the columns of others are ''. before, now, low, high: NaN for unknown. num, den: what `now` is of. ended: '' while it is open.
-- rule_version: that of the account's list, 0 for the rules by default. send_to: whom to tell besides the page, as the rule said.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS alert_events
(
    account LowCardinality(String), seq UInt64, id String, rule LowCardinality(String), rule_version UInt64, metric LowCardinality(String),
    `keys` Array(LowCardinality(String)), channel LowCardinality(String), provider LowCardinality(String), operator LowCardinality(String),
    campaign String, before Float64, now Float64, low Float64, high Float64, num Int64, den Int64, hours UInt8,
    since_ms Int64, until_ms Int64, ended LowCardinality(String), send_to Array(LowCardinality(String)), at_ms Int64
)
ENGINE = MergeTree
ORDER BY (account, seq);
-- +goose StatementEnd

-- What a receiver of an account has acknowledged, or what was given up: one row for each alert that began (0) or ended (1).
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS alert_told
(
    account LowCardinality(String), receiver LowCardinality(String), id String, end UInt8, outcome LowCardinality(String),
    at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree
ORDER BY (account, receiver, id, end)
TTL toDateTime(at) + INTERVAL 60 DAY;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
