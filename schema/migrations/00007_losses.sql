-- What was lost on disk: named until it is back, or somebody accepts that it is gone.

-- +goose Up

-- Parts that ClickHouse put aside because it cannot read them, and that none of the parts they were merged from could replace. part is its name in
-- system.detached_parts. The row with the greatest version counts.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS broken_parts
(
    `table` LowCardinality(String), part String, state Enum8('open' = 0, 'mended' = 1, 'accepted' = 2), at_ms Int64, version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (`table`, part);
-- +goose StatementEnd

-- Hours whose facts now tell of less than was published: published and found are the counts that no event can lower (aggregate/sql/lost.sql).
-- The row with the greatest version counts; version is the generation that found it so, or microseconds of the clock.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS lost_hours
(
    account LowCardinality(String), bucket DateTime('UTC'), published Array(UInt64), found Array(UInt64),
    state Enum8('open' = 0, 'restored' = 1, 'accepted' = 2), since_ms Int64, version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (account, bucket);
-- +goose StatementEnd

-- Orders to read the topic again from a time on, for ingest to carry out; from_ms 0 is its beginning.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS rereads
(
    id UUID, from_ms Int64, why String, at_ms Int64
)
ENGINE = ReplacingMergeTree
ORDER BY id;
-- +goose StatementEnd

-- Which partitions were set back by an order, from where and up to where; done: they are there again. partitions: how many the topic had.
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS reread_partitions
(
    id UUID, topic LowCardinality(String), partition Int32, partitions Int32, from_offset Int64, until_offset Int64, done UInt8
)
ENGINE = ReplacingMergeTree(done)
ORDER BY (id, topic, partition);
-- +goose StatementEnd

-- +goose Down
SELECT 1;
