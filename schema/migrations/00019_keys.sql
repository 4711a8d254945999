-- Keys of the API, sessions of browsers that came with one, and who has read what.

-- +goose Up

-- hash: SHA-256 of the key in hexadecimal digits; id: its first 16. The key itself stands nowhere. account is '' where every_account is 1.
-- scopes: names with commas between them. Times are Unix milliseconds, 0 for none. A key is written once more when it is revoked, and that row counts.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS api_keys
(
    id String, hash String, account String, every_account UInt8, scopes String, note String, `by` String,
    made_ms Int64, expires_ms Int64, revoked_ms UInt64
)
ENGINE = ReplacingMergeTree(revoked_ms)
ORDER BY id;
-- +goose StatementEnd

-- When a key was used last, to a minute.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS api_key_uses
(
    id String, used_ms SimpleAggregateFunction(max, Int64)
)
ENGINE = AggregatingMergeTree
ORDER BY id;
-- +goose StatementEnd

-- hash: SHA-256 of the cookie. A session is written once more when it is ended.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS api_sessions
(
    hash String, key_id String, made_ms Int64, expires_ms Int64, ended_ms UInt64
)
ENGINE = ReplacingMergeTree(ended_ms)
ORDER BY hash
TTL toDateTime(intDiv(expires_ms, 1000)) + INTERVAL 1 DAY;
-- +goose StatementEnd

-- Reads of whole recipients, and changes of keys. account: '' where the key is of all accounts. about: what a change was about.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS api_audit
(
    account LowCardinality(String), at_ms Int64, id UUID, key_id String, `by` String, method LowCardinality(String),
    route LowCardinality(String), about String, address String
)
ENGINE = MergeTree
ORDER BY (account, at_ms, id)
TTL toDateTime(intDiv(at_ms, 1000)) + INTERVAL 400 DAY;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
