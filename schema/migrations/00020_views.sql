-- The saved views of the page, of each key.

-- +goose Up

-- key_id: '' is whoever comes while no key is asked for; account: '' where the key is of all accounts. The greatest version counts, and of it the
-- greatest id; older ones are deleted when a new one is put. views: JSON.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS api_views
(
    account String, key_id String, version UInt64, id UUID, at_ms Int64, views String CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (account, key_id, version, id);
-- +goose StatementEnd

-- +goose Down
SELECT 1;
